/* What the settings_*.c files share; nobody else includes this. */
#ifndef COMMON_SETTINGS_INTERNAL_H
#define COMMON_SETTINGS_INTERNAL_H

#include "common/settings.h"

#define DEFAULT_SECRETS_DIR "/etc/doorward/secrets"

/* Adds an error or a warning about a key, at its place in the file. */
void settings_complain(const struct settings *s, struct conf_errors *e,
    bool warning, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* settings_check.c: fills in what follows from other values, and checks. */
void settings_check(struct settings *s, struct conf_errors *e);
/* settings_tls.c: deployment.tls_config and identity. */
void settings_check_tls(struct settings *s, struct conf_errors *e);
/* settings_network.c: listeners, hosts, proxies and servers. */
void settings_check_network(struct settings *s, struct conf_errors *e);
/* settings_services.c: external_services. */
void settings_check_services(struct settings *s, struct conf_errors *e);
/* settings_credentials.c: references to secrets, and literal ones. */
void settings_check_signing_key(struct settings *s, struct conf_errors *e);
void settings_other(void *settings, const char *path, const char *value,
    const struct conf_place *at, struct conf_errors *e);

#endif
