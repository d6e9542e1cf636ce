/* What the settings_*.c files share; nobody else includes this. */
#ifndef COMMON_SETTINGS_INTERNAL_H
#define COMMON_SETTINGS_INTERNAL_H

#include <stdarg.h>

#include "common/settings.h"

#define DEFAULT_SECRETS_DIR "/etc/doorward/secrets"
#define ROUTES_MAX 64
#define CERTIFICATES_MAX 16 /* identity's included */

/* Adds an error or a warning about a key, at its place in the file. */
void settings_complain(const struct settings *s, struct conf_errors *e,
    bool warning, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void settings_vcomplain(const struct settings *s, struct conf_errors *e,
    bool warning, const char *path, const char *format, va_list ap)
    __attribute__((format(printf, 5, 0)));

/* settings_check.c: fills in what follows from other values, and checks. */
void settings_check(struct settings *s, struct conf_errors *e);
/* settings_tls.c: deployment.tls_config and identity. */
void settings_check_tls(struct settings *s, struct conf_errors *e);
/* settings_network.c: listeners, hosts, proxies and servers. */
void settings_check_network(struct settings *s, struct conf_errors *e);
/* Of a path below web_root or of that itself: what is wrong, or NULL. */
const char *settings_path_fault(const char *path);
/* Would a request to u come back to one of doorward.listen, or to
 * doorward.egress.listen (settings_egress.c)? */
bool settings_is_own_listener(const struct settings *s, const struct url *u);
bool settings_is_local_listener(const struct settings *s, const struct url *u);
/* Complains about a file name that is neither empty nor an absolute path. */
void settings_check_absolute(const struct settings *s, struct conf_errors *e,
    const char *path, const char *file);
/* settings_services.c: external_services. What only matters where a request can
 * go waits until the listener and the routes are known. */
void settings_check_services(struct settings *s, struct conf_errors *e);
void settings_check_services_in_use(
    const struct settings *s, struct conf_errors *e);
/* The key of a service, whole: "url" and "enabled" as the service spells them,
 * "" is the service itself, others stand below it. To be freed. */
char *settings_service_key(enum service_id id, const char *key);
/* settings_egress.c: doorward.egress. */
void settings_check_egress(struct settings *s, struct conf_errors *e);
/* settings_openid.c: auth.openid and doorward.openid, with that strategy. */
void settings_check_openid(struct settings *s, struct conf_errors *e);
/* settings_routes.c: doorward.routes. */
void settings_check_routes(struct settings *s, struct conf_errors *e);
/* Fills in present, and checks the lists; path: where it stands. */
void settings_check_allow(const struct settings *s, struct conf_errors *e,
    const char *path, struct route_allow *allow);
/* Is there anything in its lists? */
bool settings_allows_anybody(const struct route_allow *allow);
/* settings_credentials.c: references to secrets, and literal ones. */
void settings_check_signing_key(struct settings *s, struct conf_errors *e);
/* prefix: where the service stands, "external_services.grafana" */
void settings_check_references(const struct settings *s,
    const struct service_settings *service, const char *prefix,
    struct conf_errors *e);
/* Do requests to it carry anything that must not be seen on the way? */
bool settings_has_credential(const struct service_settings *service);
void settings_other(void *settings, const char *path, const char *value,
    const struct conf_place *at, struct conf_errors *e);

#endif
