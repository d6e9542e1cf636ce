# frontend
include frontend/tls.mk
