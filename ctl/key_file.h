/*
 * The file of the login-token signing key, as the control tool sees it: found
 * as secretd finds it, and replaced by a fresh key.
 */
#ifndef CTL_KEY_FILE_H
#define CTL_KEY_FILE_H

struct settings;

/* To be freed; NULL: the secrets folders have none, and the configuration leads
 * to none. */
char *key_file_find(const struct settings *s);
/* Puts a fresh random key in place of the file, atomically, with the owner and
 * mode of the old one. 0, or -1 after a sentence on standard error: then the
 * old one is untouched. */
int key_file_replace(const char *path) __attribute__((warn_unused_result));

#endif
