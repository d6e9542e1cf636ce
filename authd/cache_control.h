/* How long an HTTP answer may be used (RFC 9111 5.2.2). Pure. */
#ifndef AUTHD_CACHE_CONTROL_H
#define AUTHD_CACHE_CONTROL_H

#include <stdint.h>

#include "common/text.h"

#define CACHE_CONTROL_UNSAID (-1)
#define CACHE_CONTROL_MAX_S INT32_MAX /* longer counts as this */

/* Takes one Cache-Control field's value into what other fields said: the
 * shortest time in s that any of them allows, no-store and no-cache being 0. A
 * max-age that is no number allows nothing (4.2.1). */
int64_t cache_control_take(int64_t so_far, struct slice value);

#endif
