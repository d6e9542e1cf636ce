/*
 * Whole id_tokens for test_id_token.c, made once with another implementation
 * (Python's cryptography) and throw-away keys: at_hash for each algorithm.
 */
#ifndef TESTS_UNIT_ID_TOKEN_VECTORS_H
#define TESTS_UNIT_ID_TOKEN_VECTORS_H

#include "authd/oidc/id_token.h"

/* clang-format off */
#define VECTOR_ACCESS_TOKEN "access-token"
static const char vector_keys[] =
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"zb1a43IlQqZ7btFSPB2OEVggMvcLNUstc3w6Kulz4OS_AQgsxlbD9_JdjBQkNybO"
	  "-zS4SZYrHuLukM-d3YJQnkfvr4h82nbT5JnrKlou_9Ggw8O_rybWWQbAzISaH2Sg8jYbAV3XNHpDvMRHFd7pXH9qXNX6pgZOGG70"
	  "dcR8yppujy_Vij5OMYDXrwKBWDX3zOcx-W-VfBLPQMzFrM-X0-V5C_-aArxJX0MVCG3qSH0My7DXxVI3MLbmptFVYLrp0bsm_1cr"
	  "Ao626hi_FGSoeQ6GSTiqa5cjxh2mFCMU4In5_1eQwy2ydsIsA_Y3YnRmzLPn854a2XHHVDg6d9Ar7w\",\"e\":\"AQAB\",\"ki"
	  "d\":\"r\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"y3HnOh08gt3DHOSxk2-RxuJg8ef2gdrUpPW00RSDavk\","
	  "\"y\":\"aKsnlU_fZLuXh_32ihIq8MXLisO9Ox1PWsPVmMTV31g\",\"kid\":\"e2\"},{\"kty\":\"EC\",\"crv\":\"P-38"
	  "4\",\"x\":\"YE2DIVZjM0NYr7eMEn8-7F1EO_eL9ozKbuDrp6XnM6R7gR2OBhgZ5aXN8VBZwlCB\",\"y\":\"Hz-wOvnf_S_j4"
	  "kYulWpM5uwkDP7HyvOhtfCINRcT6DLUxKyG2iyTpOr9OJFJv4fg\",\"kid\":\"e3\"}]}";
static const struct {
	const char *name;
	enum id_token_fault expected;
	const char *token;
} vectors[] = {
	{ "RS256", ID_TOKEN_OK,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsImF1ZCI6ImRvb3J3YXJkIiwic"
	  "3ViIjoiYWxpY2UiLCJpYXQiOjEwMDAwMDAsImV4cCI6MTAwMzYwMCwibm9uY2UiOiJuLTEiLCJhdF9oYXNoIjoiUHhhLTF3aWZSb"
	  "FBsN3lHXzBvSk5mdyJ9.Cx41eV_kUVyAVA8lI-RDVrEbFdrrdc55yD6vgM9VS8W4u_gZm2z2mFUES8QN5UcyZ1Y7HluUV2D7XY_o"
	  "abA5vIvRRESI-sBaLCbVfIiJAnBtYfHcSKKjvBsQUWvonT_LK6sS5UP_wz0yJvsUjJUS2b3KgWb6w85WvJOPo4NiPGeAlM-hbXq_"
	  "yyL07hWERESTmXlzeq21lCGyE0rLbHsnNwcPPewiS8w6x53RnL2ZkQgurFaOH3_4wx8tpzyLQXvvo2kCYEJtHuPnc6RFHg5fLISG"
	  "wXwLDxn0whxdLNSF_7Rj7a8g-PKNd-IMaVQW7RNB35WNEPhyDnTO5PuMyY2-Qg" },
	{ "PS256", ID_TOKEN_OK,
	  "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsImF1ZCI6ImRvb3J3YXJkIiwic"
	  "3ViIjoiYWxpY2UiLCJpYXQiOjEwMDAwMDAsImV4cCI6MTAwMzYwMCwibm9uY2UiOiJuLTEiLCJhdF9oYXNoIjoiUHhhLTF3aWZSb"
	  "FBsN3lHXzBvSk5mdyJ9.a81SQ7MwZID87_DFx9Uk7JbIdnpkOWeoA985-1eQ1xuRlP0h7fdhjCbrkzEMXpyZTFixWTPFNT5xJy_M"
	  "J4MhIav7vrP6f92KRcPMJeEOqI_CFNbQdw4LVnSGiaaSiX8l1E-rCv4s8L_7RPt3Ars79uDB7YgjdiE6kXD-xyhrM98B7pbKgthh"
	  "0Me5UZAMcIUycSwXBKDtHyVdqFi-jVCOgkJv1K0fwwRRrWmaXqI-f9MzSgPI52trrbEGpcDFqN9KDjSvdrtaBo9gvq1Zfo7PntYh"
	  "UwOuHaTfvMEza8NtdDl0cEIZNgOpV7tZLl9H7YYK6Al9vKF9VE8zXVbAbv6DrQ" },
	{ "ES256", ID_TOKEN_OK,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUyIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsImF1ZCI6ImRvb3J3YXJkIiwi"
	  "c3ViIjoiYWxpY2UiLCJpYXQiOjEwMDAwMDAsImV4cCI6MTAwMzYwMCwibm9uY2UiOiJuLTEiLCJhdF9oYXNoIjoiUHhhLTF3aWZS"
	  "bFBsN3lHXzBvSk5mdyJ9.XXjtJOedh7qkfexeWm16xMz6ynTSfxlh5wwxndZlLIgZWK8tOjoz1nT-e8bgJzI-0QqZcifrU99_qit"
	  "SAwImmg" },
	{ "ES384", ID_TOKEN_OK,
	  "eyJhbGciOiJFUzM4NCIsImtpZCI6ImUzIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsImF1ZCI6ImRvb3J3YXJkIiwi"
	  "c3ViIjoiYWxpY2UiLCJpYXQiOjEwMDAwMDAsImV4cCI6MTAwMzYwMCwibm9uY2UiOiJuLTEiLCJhdF9oYXNoIjoiZlBuUUFzdkNF"
	  "d2Utc1JCNk80dHNkUGdmSS1FYU92c1kifQ.B_TVCEoCpuGXMLF7ZLTRFwpc8wdRpT62Q5kI5RGg3_K4G32h53c_m1nTCbqssPpem"
	  "V2mcFRbrPEy45Bp73ho3O90qBLXDLhnHPlulMMhMHTI-UHhPfWiA3PmRG0N1RRu" },
	{ "ES384, at_hash by SHA-256", ID_TOKEN_HASH,
	  "eyJhbGciOiJFUzM4NCIsImtpZCI6ImUzIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLyIsImF1ZCI6ImRvb3J3YXJkIiwi"
	  "c3ViIjoiYWxpY2UiLCJpYXQiOjEwMDAwMDAsImV4cCI6MTAwMzYwMCwibm9uY2UiOiJuLTEiLCJhdF9oYXNoIjoiUHhhLTF3aWZS"
	  "bFBsN3lHXzBvSk5mdyJ9.zvTAb9j94wcw6ad9kvbfa2nZjzkUXGL00_f5TDnfcKMFBVRdQZHW10WeTv15AVB-kX_XT_c8ei1oqMC"
	  "VD_bOBKndoecElBfJttfWpA-PlfmgJmqhUt_rhm1OFXmIzD77" },
};
/* clang-format on */

#endif
