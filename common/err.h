/*
 * The one set of error codes. Every function that can fail returns 0 or one of
 * these (negative); text for people is in err.c.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

enum {
	ERR_DENIED = -1,    /* the answer is no */
	ERR_FORMAT = -2,    /* malformed input */
	ERR_LIMIT = -3,	    /* too long, too many, too deep */
	ERR_NOT_FOUND = -4, /* no such thing */
	ERR_EXPIRED = -5,   /* was good, is over */
	ERR_UNAVAILABLE =
	    -6,		  /* cannot be decided now: a peer or server is away */
	ERR_TIMEOUT = -7, /* no answer in time */
	ERR_IO = -8,	  /* the system refused; errno says more */
	ERR_CRYPTO = -9,  /* a key, signature or seal does not hold */
	ERR_PROTOCOL = -10, /* a peer broke the internal protocol */
	ERR_CONFIG = -11,   /* the configuration does not allow it */
	ERR_MORE = -12,	    /* not an error: more input is needed */
	ERR_EXISTS = -13,   /* it is there already */
};

/* Text for a log line or a person, never NULL, static storage. */
const char *err_text(int err);

#endif
