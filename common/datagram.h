/*
 * SEQPACKET datagrams with at most one descriptor, and a bounded queue of those
 * that the socket cannot take yet. Used by chan.c; knows nothing of messages.
 *
 * SECURITY: the receiver closes every descriptor that it does not hand out.
 */
#ifndef COMMON_DATAGRAM_H
#define COMMON_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

struct datagram; /* waits in a queue; wiped when it leaves */
TAILQ_HEAD(datagram_list, datagram);

struct datagram_queue {
	struct datagram_list list;
	size_t bytes;
};

/* Makes sure that the socket can take datagrams of len bytes. */
void datagram_buffer(int socket, size_t len);

/* Sends the parts as one datagram, with pass_fd unless it is -1. 0, ERR_MORE
 * when the socket is full, ERR_IO. */
int datagram_send(int socket, const struct iovec *parts, size_t n_parts,
    int pass_fd) __attribute__((warn_unused_result));
/* One datagram into buffer: its length; 0 at the end of the stream; ERR_MORE
 * when there is none; ERR_IO; ERR_PROTOCOL when it did not fit, came with
 * more than one descriptor, or was empty but for one. *fd_out: the descriptor
 * (close-on-exec) or -1. */
long datagram_receive(int socket, void *buffer, size_t cap, int *fd_out)
    __attribute__((warn_unused_result));

void datagram_queue_init(struct datagram_queue *q);
/* Copies the parts, and duplicates pass_fd unless it is -1. tag: the caller's
 * own number, to find it again. ERR_LIMIT over max bytes, ERR_IO. */
int datagram_queue_add(struct datagram_queue *q, size_t max,
    const struct iovec parts[2], int pass_fd, uint64_t tag)
    __attribute__((warn_unused_result));
/* Sends what the socket takes: 0 when the queue is empty, ERR_MORE, ERR_IO. */
int datagram_queue_flush(struct datagram_queue *q, int socket)
    __attribute__((warn_unused_result));
bool datagram_queue_empty(const struct datagram_queue *q);
bool datagram_queue_has(const struct datagram_queue *q, uint64_t tag);
/* Takes it out unsent; false when it is not there. */
bool datagram_queue_remove(struct datagram_queue *q, uint64_t tag);
void datagram_queue_clear(struct datagram_queue *q);

#endif
