# tests/kubernetes: the login cases of tests/e2e against a real API server.
check-kubernetes: all
	DOORWARD_BUILD="$(abs_builddir)" $(SHELL) $(srcdir)/tests/kubernetes/check-real
.PHONY: check-kubernetes
