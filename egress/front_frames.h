/*
 * Connections from the frontend: the frames of common/frame.h.
 *
 * SECURITY: the frontend is not trusted. Every frame is checked again; what
 * breaks the protocol closes that connection and nothing else.
 */
#ifndef EGRESS_FRONT_FRAMES_H
#define EGRESS_FRONT_FRAMES_H

struct egress;

/* Takes an accepted frontend connection. */
void front_frames_accept(struct egress *eg, int fd);

#endif
