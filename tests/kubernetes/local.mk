# tests/kubernetes
check_PROGRAMS += tests/kubernetes/token_probe
tests_kubernetes_token_probe_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
tests_kubernetes_token_probe_LDADD = $(VERIFY_LIBS) $(YAML_LIBS)
