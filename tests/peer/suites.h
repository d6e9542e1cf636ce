/* The parts of the program: each adds its tests. */
#ifndef TESTS_PEER_SUITES_H
#define TESTS_PEER_SUITES_H

#include <check.h>

void messages_add(TCase *t); /* violations on control channels */
void frames_add(TCase *t);   /* violations on the frame stream */
void requests_add(TCase *t); /* what egress does with a request */
void meanings_add(TCase *t); /* what nobody gets by any message */

#endif
