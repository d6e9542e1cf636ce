# tests/conf
conf_cases = \
	tests/conf/config/defaults.yaml \
	tests/conf/config/errors.yaml \
	tests/conf/config/full.yaml \
	tests/conf/config/header.yaml \
	tests/conf/config/literals.yaml \
	tests/conf/config/openid-bad.yaml \
	tests/conf/config/openid.yaml \
	tests/conf/config/openshift.yaml \
	tests/conf/config/routes.yaml \
	tests/conf/config/services.yaml
dist_check_SCRIPTS += tests/conf/check_config.sh tests/conf/explain_url.sh tests/conf/run.sh
TESTS += tests/conf/check_config.sh tests/conf/explain_url.sh tests/conf/run.sh
EXTRA_DIST += $(conf_cases) $(conf_cases:.yaml=.out)
