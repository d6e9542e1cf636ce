# tests/lint: rules that the compiler does not know
LINT = \
	tests/lint/layers.py \
	tests/lint/functions.py \
	tests/lint/headers.sh \
	tests/lint/protocol.py \
	tests/lint/symbols.sh \
	tests/lint/format.sh

TESTS += $(LINT)
dist_check_SCRIPTS += $(LINT)
EXTRA_DIST += tests/lint/sources.py

.PHONY: lint
lint: all
	@bad=0; for l in $(LINT); do \
		srcdir='$(srcdir)' CC='$(CC)' $(srcdir)/$$l || \
			[ $$? = 77 ] || bad=1; \
	done; exit $$bad
