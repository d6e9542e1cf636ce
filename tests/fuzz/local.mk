# tests/fuzz: with --enable-fuzzer for libFuzzer, else replays of the seeds
fuzz_targets = tests/fuzz/fuzz_http_request tests/fuzz/fuzz_http_response \
	tests/fuzz/fuzz_http_chunks tests/fuzz/fuzz_frame \
	tests/fuzz/fuzz_wire tests/fuzz/fuzz_b64url tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_location \
	tests/fuzz/fuzz_metadata tests/fuzz/fuzz_id_token \
	tests/fuzz/fuzz_login_state tests/fuzz/fuzz_token_answer \
	tests/fuzz/fuzz_jwks \
	tests/fuzz/fuzz_cache_control \
	tests/fuzz/fuzz_callback_query tests/fuzz/fuzz_logout_url \
	tests/fuzz/fuzz_form tests/fuzz/fuzz_return_path
check_PROGRAMS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/fuzz_head.h \
	tests/fuzz/make_seeds.py tests/fuzz/make_login_seeds.py \
	tests/fuzz/seeds
if FUZZER
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/replay_main.c
fuzz_ldflags = $(AM_LDFLAGS)
TESTS += $(fuzz_targets)
endif
tests_fuzz_fuzz_http_request_SOURCES = tests/fuzz/fuzz_http_request.c $(fuzz_main)
tests_fuzz_fuzz_http_request_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_request_LDADD = common/libcommon.a
tests_fuzz_fuzz_http_response_SOURCES = tests/fuzz/fuzz_http_response.c $(fuzz_main)
tests_fuzz_fuzz_http_response_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_response_LDADD = common/libcommon.a
tests_fuzz_fuzz_http_chunks_SOURCES = tests/fuzz/fuzz_http_chunks.c $(fuzz_main)
tests_fuzz_fuzz_http_chunks_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_chunks_LDADD = common/libcommon.a
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(fuzz_main)
tests_fuzz_fuzz_frame_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_frame_LDADD = common/libcommon.a
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c $(fuzz_main)
tests_fuzz_fuzz_wire_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_wire_LDADD = common/libcommon.a
tests_fuzz_fuzz_b64url_SOURCES = tests/fuzz/fuzz_b64url.c $(fuzz_main)
tests_fuzz_fuzz_b64url_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_b64url_LDADD = common/libcommon.a
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(fuzz_main)
tests_fuzz_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_conf_LDADD = common/libcommon.a $(YAML_LIBS)
tests_fuzz_fuzz_location_SOURCES = tests/fuzz/fuzz_location.c $(fuzz_main)
tests_fuzz_fuzz_location_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_location_LDADD = egress/libegress.a common/libcommon.a
tests_fuzz_fuzz_metadata_SOURCES = tests/fuzz/fuzz_metadata.c $(fuzz_main)
tests_fuzz_fuzz_metadata_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_metadata_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_id_token_SOURCES = tests/fuzz/fuzz_id_token.c \
	tests/unit/toy_provider.c tests/unit/toy_provider.h $(fuzz_main)
tests_fuzz_fuzz_id_token_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_id_token_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_login_state_SOURCES = tests/fuzz/fuzz_login_state.c $(fuzz_main)
tests_fuzz_fuzz_login_state_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_login_state_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_token_answer_SOURCES = tests/fuzz/fuzz_token_answer.c $(fuzz_main)
tests_fuzz_fuzz_token_answer_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_token_answer_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_jwks_SOURCES = tests/fuzz/fuzz_jwks.c $(fuzz_main)
tests_fuzz_fuzz_jwks_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_jwks_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_cache_control_SOURCES = tests/fuzz/fuzz_cache_control.c \
	$(fuzz_main)
tests_fuzz_fuzz_cache_control_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_cache_control_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_callback_query_SOURCES = tests/fuzz/fuzz_callback_query.c \
	$(fuzz_main)
tests_fuzz_fuzz_callback_query_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_callback_query_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_logout_url_SOURCES = tests/fuzz/fuzz_logout_url.c $(fuzz_main)
tests_fuzz_fuzz_logout_url_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_logout_url_LDADD = $(OIDC_TEST_LIBS)
tests_fuzz_fuzz_form_SOURCES = tests/fuzz/fuzz_form.c $(fuzz_main)
tests_fuzz_fuzz_form_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_form_LDADD = frontend/libfrontend.a common/libcommon.a
tests_fuzz_fuzz_return_path_SOURCES = tests/fuzz/fuzz_return_path.c $(fuzz_main)
tests_fuzz_fuzz_return_path_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_return_path_LDADD = frontend/libfrontend.a common/libcommon.a
