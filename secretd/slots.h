/*
 * Slots: the named places of secrets, read. Of the places where a slot's file
 * may be (common/slot_path.h) the first that exists counts, good or bad: a
 * broken secret is never passed over for an older one. Links are followed
 * (Kubernetes mounts are made of them), but not out of a secrets folder. Must
 * not interpret what a secret means beyond the rules of its slot.
 */
#ifndef SECRETD_SLOTS_H
#define SECRETD_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slot.h"
#include "common/slot_path.h"
#include "common/text.h"

struct secret;

#define SLOT_FILE_MAX 65536 /* bytes of a secret file */
#define SLOT_WHY_MAX 1024

/* A sentence for a person: slot, file, what is wrong, what to do. Never holds
 * anything of the secret. */
struct slot_why {
	char text[SLOT_WHY_MAX];
	char file[256]; /* the one that counts, good or bad, maybe cut */
};

/* Reads a slot, without blanks around it (as Go's TrimSpace), by the rules for
 * what it holds: its length, no control characters in a text, the right PEM
 * block; and everybody may read the file of a certificate, but of nothing else.
 * 0 with *out (caller frees); ERR_NOT_FOUND when there is no file; ERR_FORMAT,
 * ERR_LIMIT, ERR_DENIED or ERR_IO when the file is of no use. */
int slot_read_spec(const struct slot_dirs *where, const struct slot_spec *spec,
    struct secret **out, struct slot_why *why)
    __attribute__((warn_unused_result));

/* The same for the login-token signing key, whose rules are its own: 16, 24 or
 * 32 bytes, not Kiali's old default, not a reference. ERR_FORMAT otherwise.
 * reference: what the configuration says: "", "secret:name:key" or an absolute
 * path. */
int slot_read_signing_key(const struct slot_dirs *where, const char *reference,
    struct secret **out, struct slot_why *why)
    __attribute__((warn_unused_result));

/* Without the blanks (unicode.IsSpace in Go) at both ends. */
struct slice slot_trim(struct slice s);

/* Reads one file as it stands. private: refuses one that everybody may read. */
int slot_read_file(const char *label, const char *path, bool private,
    struct secret **out, struct slot_why *why)
    __attribute__((warn_unused_result));

#endif
