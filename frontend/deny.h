/*
 * What a client is told when egress does not answer with the upstream's
 * response. Pure: reason and circumstances in, status and manner out. The
 * frontend decides nothing here; it only translates.
 */
#ifndef FRONTEND_DENY_H
#define FRONTEND_DENY_H

#include <stdbool.h>

#include "common/frame.h"
#include "common/settings.h"

struct deny_context {
	int preset;	 /* enum preset; generic for services */
	bool navigation; /* a person is looking, not a script */
	bool safe;	 /* GET or HEAD: may be asked again after a login */
};
struct deny_answer {
	unsigned status;
	bool drop_cookie; /* if the request carried one */
	bool to_login;	  /* 302 to the login page; status is 302 then */
	bool page; /* an HTML page, else "<reason>\n" as Kiali's middleware */
	unsigned retry_after_s; /* 0: none */
};

struct deny_answer deny_answer(enum deny why, const struct deny_context *x);

#endif
