# authd
include authd/verify.mk
