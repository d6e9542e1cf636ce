# tests/kubernetes: the token check against the stand-in (make check) and
# against a real API server (make check-kubernetes).
check_PROGRAMS += tests/kubernetes/token_probe
tests_kubernetes_token_probe_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
tests_kubernetes_token_probe_LDADD = $(VERIFY_LIBS) $(YAML_LIBS)
TESTS += tests/kubernetes/check-standin
dist_check_SCRIPTS += tests/kubernetes/check-standin
EXTRA_DIST += \
	tests/e2e/lib/kube-standin.mjs \
	tests/kubernetes/build-server \
	tests/kubernetes/check-real \
	tests/kubernetes/lab \
	tests/kubernetes/lib/cases.mjs \
	tests/kubernetes/lib/probe.mjs \
	tests/kubernetes/lib/real-cluster.mjs \
	tests/kubernetes/real.test.mjs \
	tests/kubernetes/standin.test.mjs
check-kubernetes: tests/kubernetes/token_probe
	$(srcdir)/tests/kubernetes/check-real
.PHONY: check-kubernetes
