# Figures, never pass or fail.
bench: all
	DOORWARD_BUILD="$(abs_builddir)" $(SHELL) $(srcdir)/tests/e2e/run.sh --bench
.PHONY: bench
