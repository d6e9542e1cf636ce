# demo
EXTRA_DIST += demo/demo.sh demo/console.mjs demo/issuer.mjs
.PHONY: demo
demo: all
	@$(SHELL) $(srcdir)/demo/demo.sh '$(abs_builddir)'
