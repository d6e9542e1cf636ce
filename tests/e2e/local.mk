# Arguments for the end-to-end tests: make check-e2e E2E="login.test.mjs"
E2E =
check-e2e: all
	DOORWARD_BUILD="$(abs_builddir)" $(SHELL) $(srcdir)/tests/e2e/run.sh $(E2E)
.PHONY: check-e2e
# The tests and their helpers, whatever they are called.
DIST_TREES = tests/e2e
check-local: check-e2e
