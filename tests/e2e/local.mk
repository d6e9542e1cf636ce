# Arguments for the end-to-end tests: make check-e2e E2E="login.test.mjs"
E2E =
check-e2e: all
	DOORWARD_BUILD="$(abs_builddir)" $(SHELL) $(srcdir)/tests/e2e/run.sh $(E2E)
.PHONY: check-e2e
check-local: check-e2e
EXTRA_DIST += tests/e2e/run.sh tests/e2e/package.json \
	tests/e2e/package-lock.json tests/e2e/.npmrc \
	$(wildcard $(srcdir)/tests/e2e/*.test.mjs) \
	$(wildcard $(srcdir)/tests/e2e/lib/*.mjs)
