/*
 * Tokens and key sets for test_jose.c. The first two and the Ed25519 key are
 * those of RFC 7515 A.2 and A.3 and RFC 8037 A.1; the rest was made once with
 * another implementation (Python's cryptography) and throw-away keys.
 */
#ifndef TESTS_UNIT_JOSE_VECTORS_H
#define TESTS_UNIT_JOSE_VECTORS_H

#include "common/err.h"

/* clang-format off */
static const char rfc7515_a2_keys[] =
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPC"
	  "JrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaS"
	  "HSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGh"
	  "yxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}]}";
static const char rfc7515_a2_token[] =
	  "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
	  "yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt"
	  "_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
	  "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI"
	  "8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char rfc7515_a3_keys[] =
	  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m3"
	  "6HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
static const char rfc7515_a3_token[] =
	  "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
	  "yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU"
	  "1Q";
static const char vector_keys[] =
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\"},{\"kty\":\"RSA\",\"n\":\"iJINfmW_WxsbM0hewnIsONt582VxpYF5DPVjR4vcr_Nf3aihKx0fQQs57vMCHsMwL8u7jpFZV0YQG"
	  "hv1HVe1LJDuvvcbmECiIgkMnlS-k9W_09wcXrRq2pSvBx7TrT9VYO0tg5hkvDDNOuMcxTt1ULyu1YSuQW143s2Pyu1btiBTfbzc7"
	  "wQ1G7Dzx-pCQlZqjtxNXrjTuTnv17fac6D3ThClfk_whwhL8E7D79oCSdMouSr4YTzOMpiEwXZgLphzRYTSX29r8uV9TuwqGB3QR"
	  "Tqe-AFfh4zWVOHiS5BDJLETgKwV1tjIVVqzhIa7ELytpWpphfbbeS-w4uL9UaIJBQ\",\"e\":\"AQAB\",\"kid\":\"r256\",\"alg\":\"RS"
	  "256\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"VvoCbbQYXuPPOCe42QoZMpIeP3ay_sl3DgCgPPMXiHE\",\"y\":\"gQItRXSCl7kK3"
	  "iCDkYFmCl6vldP9sQwPtLGDjlSIUrs\",\"kid\":\"e\"},{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"hRNFQmFQ97YXEH88vNSRuEIJFq"
	  "mOax827lYzfTeh390YQJjjFiKE00dKIYdU37o1\",\"y\":\"0icNxxk2gO6bJOaL0XlqvPPexvE1ewxBn0HMNqxPCc752x6rW6-fcgD"
	  "nJJLQnCvu\",\"kid\":\"e3\",\"key_ops\":[\"verify\"]},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg"
	  "7hcvPapiMlrwIaaPcHURo\",\"kid\":\"ed\"}]}";
static const struct token_vector {
	const char *name;
	int expected;
	const char *token;
} token_vectors[] = {
	{ "RS256", 0,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNku"
	  "b51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40Iz"
	  "gEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAn"
	  "TfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4"
	  "IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ" },
	{ "PS256", 0,
	  "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.vEBvCpTH"
	  "ZJNOuFnCRmkaEMGFZvWh7WN751ogRP77-8Sz0JkDI1P6B2wpznjFAUKv5YvW9vHMtFkYc3M1p_F-zWGMFXDNEaca_Il9tVU16W7D"
	  "ClyVN9l4vDv9e_-pY7arcIjRVk-8UpE0sJpwHNe3n6I5OU3opoXMGUQXUpM66zexc07KeuLx1ydMh5DoqPb94ioLynH2VXExVlGP"
	  "P3tMAWBjIwNIBZsXtl7MRbtq8Y53h8Q4eeU6KUQAKlGmvZh0bZPM_UkIAgyKDMGbf-NyhvymRxEk6vk9ZeaSyFmYzJeDUZIXSFg7"
	  "PukyPPKqYYVujpX497apWj47lqGvm7i9xw" },
	{ "ES256", 0,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.R5NRn84s"
	  "0Hidl6o8g6U3H-0KW3vKNeRDn6sB22lHRRG5WiVAvRdq9eO3zfrKA4_F-iUR8HfwKshA4_AmFWB3YA" },
	{ "ES384", 0,
	  "eyJhbGciOiJFUzM4NCIsImtpZCI6ImUzIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.GrxvpNX"
	  "eNpzho0gSQs-hfvhTo1tpqbNOg-6DvHAAcHekiKR8ZyAQ-XZUzULdXmZ606aB-aezrmd_MTF0mTOmDcqEGe7GkylBXQwnC71-3Om"
	  "WkJk7sR_g01Z0r58WXSbl" },
	{ "EdDSA", 0,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.d8dot8z"
	  "jKLA-PyZknvtqbXHpTRYGbAzMugbEkgafT__ShBqeI7R5o5BfhcY6P4t65tDQyWQ0vIP-9UvaFIBTAQ" },
	{ "no kid, second of two keys", 0,
	  "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.AOIQ7cmiaPfVWayxWMP3zB"
	  "e0Zas2-SNWGbzEXd48XODkQVNp9Hiw-6gMS6XIentAmQesUsOIPqi87mg7IBQHE0LzSr_igv_HCA4gd22eIcjtR7rKn_-8keLnNj"
	  "_iWEqCTm5-xa0-GYBLa1DR5WkXu8GDw4TPk3qGT32JF9RBdbLd7DU6mz5rL8p2uxNhPE3BMCZPWvdBxVac4yUKOPsou_YZUScNuk"
	  "54a1_nH4UupBX2UQ14mZMtHAwpantzv9qfuFE_E-ow4VG4Ce-ab_QjWK8Py_LSaQfcXreKwKJ8ERb0Vj8sfAERCDyHDqBpsfr4ny"
	  "pecVYMQODjghqCzzeWNQ" },
	{ "no kid, ES256", 0,
	  "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.7FhqRtmcsdAA6s1LBCbtDq"
	  "ul6fb_PdsyG729iUmdo-AFPS3VdVeJYJ1weMaz-KWrH-egdNqx3PVO6LPw5ocGDg" },
	{ "typ and unknown members", 0,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QiLCJmb28iOjF9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
	  "lIiwic3ViIjoieCJ9.Kd9PwJjpt9I_2ZFojoAk0vL7iOL-3Y4pkXS1UF8lN50fKKi-iIeovoNXP95QLNgoJNenXvx6k67yn4k4CP"
	  "Vd-66HPoyGFcPq3QIgMHCrm9zNxYTfvGlgKDL3GDIDlu3S0VKHNhq32QPNDWqR3cp5Ew_3Ki1zfYASYOjnFABDbAg3K90e46dmLF"
	  "0UxE5AR0zWtJciwX41JR91PPG-KlRWWAJDw5HvolZozwu75xM3OERoEbxV712f0sQxnKudsMR7Gs5jr2hbkp6kpVy5gx_cxI0KGp"
	  "dvB5AdIQfNZ82665RtQeq6iJ5HlOzRWvPL5mxVqrBatcuyRRQjCltEn1E94Q" },
	{ "unknown kid", ERR_NOT_FOUND,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5vYm9keSJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.Ks"
	  "DSqjXulogeeS8ScrUBrDZ0WVU6s2cT4ZoF1K_KEzD69dG-KdELd0H-VAq75xO8fo9PUnapeKMK1fwopX9K6fj2KHmvcwtvj1F0yL"
	  "sQV0xr1jsggeTc7Y5bbUpCFB8wQErWSAePG03cn8qKtfZCZ_M95O9PgD8VkFWQ6drTn5WA74ekX1-an7xWDQ1hug_ITkpcKEcXNQ"
	  "EV0r2V79Sui7vJSA3ydopYtPnHCnrMf28IUh8Tu02vdyeevgkgtnqKHQuD_rlQyl8OWaupDPdkLp8g76O1Kar28lOsju3E-OqrKZ"
	  "YNmcYcY72avwBfRIS05aASDO1S8pGADLmpjszJiw" },
	{ "kid of a key of another type", ERR_NOT_FOUND,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.rfciRMYc"
	  "OvgqmhLTRnQnWseZndf3JxH8XCykEKA-ryd94rVncrjPjnjd3-J7bATuLVQb5JmHW1aUnAd2p-bYyBpTWs34Yss3-ZaPeVqGDbcF"
	  "E9NlDr_RHsQJlZ43_4QYUVk2v0b2wh27B6k9oe5LklatflUbvt33_rYaR4WIRI4VeLiSC3mrKp38teFytQhcQ5owTo2ovfyDBtzq"
	  "YbKypJgO409Qf_Fyg8k27aDLwlAXhA7_hWI8goCfVb6bUScvGNQf_F5khSZ2jfCH6GxBz5I-Oi1ArA5BeerGNRoy7u8RvsxSjsrj"
	  "PHpTRWaI9tp2_lhwPs7rygHdhhKWPgZreA" },
	{ "kid of another key", ERR_CRYPTO,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIyNTYifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.wZXq"
	  "g4j_v7_DLN5EV9uzW0rNpZ_6k_iiOLssywBwKpsy0A7_1KEeuq5rKn9OJDhesTgc-IYiRUlHydTKYmLwmFiN5sgY_WjdC5dJaGn2"
	  "oORsdj8XZl1thNhNio64Ey4B-ERp8lC69hOZp1JJsNKVbCuC_5MK_lOze2wBIK2jK9hAcp4so3JHBQ6C53vYS9g157rwzNtuiD8J"
	  "mG5v65i9C08sB_MpIUSfV9g2CQchYSCo7LhMqxNDDnzZ89-acgoc1jBA8AsOFwsg5W_jn-8zleoERFaA0qMXuo5r2rWgsB63jqBx"
	  "AjZFiGcWoiHWw3eLKbqkxzja1t5sPN_3wBMvaw" },
	{ "key bound to RS256 used with PS256", ERR_NOT_FOUND,
	  "eyJhbGciOiJQUzI1NiIsImtpZCI6InIyNTYifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.ZNUd"
	  "G5_6S28-4MO63BrbG4gdb0mz65HV7L0gQfpJplsyMWK1-o69jwVdDiu4zOhcFWYWfspVjpQc5tUkfTOuSlhphqxmXSZGJF4jRTaG"
	  "RpqzQv-duv3Bpbknyy1f2R_9SPMspc2muX213W_NvCVwHv3NhksoewjDuVM4bclipxnvXT4VdKRHwu1WHLh1Ifw8Bw4z0rLwQ9Ib"
	  "R0GA9RKy8HyC-oOVzsH-uOBxuJawbAIm-CQohUNpmu3Ty0_gUeQMuYz06Pj2ypBBsjz-RuIgk0qDyRAWsygY8grlHMF1K6_EqvRF"
	  "x3rb1fXLOMGFNmGwmb0_WCr0fVCrw5DbgY2XHA" },
	{ "PS256 header, PKCS 1.5 signature", ERR_CRYPTO,
	  "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.dKxiCHp2"
	  "g6nQ07tixhuHabndofrj18DmL7yC6njKIp1MQpJsBrRtx1BgUckk_6GiqnxpybhV7M43w8gqu5dhikC7DpEISMLFjE6_5eqG5O4X"
	  "d_cD4tTlv3ba0RslytjRE5IJ_xWyV9yukNu_halh2_tbtXzK7ocPuw2ZyEll-fFn6aR5fP_o-QJZ0lKIKkD_uxt9MJhdGW86wQQt"
	  "A4svB7ZCnSJN_gs2KSz2hFYm2-Ntc1aZ7CEbuRF9e4xi4tLPsBwBaVudLqoSMJUlYoNWilR9P5jLWLi9lL5YGLUctee5KMiCaAeQ"
	  "gxCrcsIHFX5czltLHGEqcl7khhEx1zd-og" },
	{ "RS256 header, PSS signature", ERR_CRYPTO,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.zt5teXT4"
	  "FVZ9wVQ2gQcLhM_NGXlr4dS4e1sNIhm6Pox3bY6pXArEeBvBa8r0kSlRj0-P6xcm9Gu4figFD_o3xCWCVibkzbXPO4kGyHtXkE22"
	  "XNoUGb3MQovIbqdyvptTYIir-df-xdo9NCS-ukizDJxjz7ZxHkVY6Evk_mbcbHv6oDC7GrlyvuW9qW1d3GeF8om41ssZc17yt-G9"
	  "eoUwaQjovZfBLBoIvVPx-Y_dqc19wx7JEsSawnEJdRHyJW2ws1v3OcLhxR_mXuKj2a7NZoqIN7-ZCSM-yWOzYDeDW1bXcZgjAwwd"
	  "ypn9IwKYqo_mdtNLBKYYOXrEXdqDuAuqGg" },
	{ "PSS with a short salt", ERR_CRYPTO,
	  "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.RnpIBdo5"
	  "NERa83Edvg-UBP8B5Omi7h5Bdamek14u126qkdlSbY1tKKB4W3SNuDOs_x722tZtF0PAhJuu-xD_JhvUaNRYd1Xw9AxY05OZln4h"
	  "xyQdCd0jFV9sxdO3h5REtI07WSmd1WS90fEX7pnFy0v4ZeW180s4tofKywGf_nbUPj5WfJZ4TCkJ4AJVIMde_t4wXaPPqWvuaFhh"
	  "79BmfvjXtb1q63vVF-EsXxoYpTMg3JwTuaXCefR9navpmmcgsg1wrYsFxqXZG6NWRmUHJPRXKNgy6BZhDRqf6AV4VOcgJ_zAtvTZ"
	  "e7lV2z9HLldlfqI8Fa6Fb2-lP6nYzM3Cfg" },
	{ "changed signature", ERR_CRYPTO,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNku"
	  "b51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40Iz"
	  "gEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAn"
	  "TfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4"
	  "IyCfjFb3rqOBFL1SkORw1Zi5Av0V236dcQ" },
	{ "changed claims", ERR_CRYPTO,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJldmlsIn0.pgxEpNkub51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtz"
	  "GYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40IzgEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwP"
	  "dlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAnTfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5"
	  "geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ" },
	{ "changed ES256 signature", ERR_CRYPTO,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.R5NRn84s"
	  "0Hidl6o8g6U3H-0KW3vKNeRDn6sB22lHRRG5WiVAvRdq9eO3zfrKA4_F-iUR8HfwKshAA_AmFWB3YA" },
	{ "ES256 in DER", ERR_CRYPTO,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.MEUCIQCz"
	  "z4ZFh_B02OQ8lSl49_-u5lIVbQYVsrX9_ZVIJ4gr5gIgaqWvVNQjNcG_lWiQ2CJXEbRzWs7QHFy2jPP9WsqG-6c" },
	{ "ES256 one byte short", ERR_CRYPTO,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.x_s7jzKC"
	  "96Anpj02WuUGaFzTyWhU53C9oX98HxnzYF4mBSZunA4zk8ttTdVWKExs9y0yR-Dkub71BDMzv1SA" },
	{ "ES256 all zero", ERR_CRYPTO,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.AAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	{ "ES384 key, ES256 header", ERR_NOT_FOUND,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUzIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.jsudc8n"
	  "tH20fOUS3IjtC7pyHOwfh7C5-t12n3qcDviamB_BZlWC0fMuorpZPrK17wXCJq8Oicz9dG5CokqqmvP-BVsAZ5LQVqCSLsSq4qHH"
	  "cu2l2ZQwUGnNe6j6mFvZo" },
	{ "EdDSA, 63 bytes", ERR_CRYPTO,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.d8dot8z"
	  "jKLA-PyZknvtqbXHpTRYGbAzMugbEkgafT__ShBqeI7R5o5BfhcY6P4t65tDQyWQ0vIP-9UvaFIBT" },
	{ "empty signature", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9." },
	{ "no signature part", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9" },
	{ "alg none", ERR_FORMAT,
	  "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9." },
	{ "alg none, with signature", ERR_FORMAT,
	  "eyJhbGciOiJub25lIiwia2lkIjoiciJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.QXbcpXfuhr"
	  "g5i_EBy77YJRw1rlxtxnzLe4tytpua8Kklx2B_8bSq5y2UrslKy65LKaK5nAmOO_oWy9slSredjTfWJrWHulMMO8bp6_Gma0bBXD"
	  "MLENXTD-08H4pTR0deijRBdr09ko9GIB38VOOv2EcvKKpoxasAKao2PHTJrAIA0S77LKcpMmAG4wFd_7-pUWt6rpUGXWfr5qjy7E"
	  "DkBrlSgdILf6U6OZK99z1t_rRxCwiUgO-O27b2-HXPLtqGYBiWmTiRuiaHg6ODBeRP9jbBtdNfB9eu8WQ3ugWNf1B_gtRXusembK"
	  "JHcunmqAhlzgL7kAdPT6_SrE3ypmbBzA" },
	{ "alg NONE", ERR_FORMAT,
	  "eyJhbGciOiJOT05FIiwia2lkIjoiciJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.u-gLl622Tq"
	  "YZXga5pGthxMc2NvaPq6wx3KeJ9W26wz8h4WVUro0t9cwxU2h2DB2eTY9i5K5Ar80BRj1OU6Zvm3PCCzRYNfE_3kiaHt6shniS2V"
	  "Qyn87RbC1LbYyS3FrZLGCoq-a16eaOeJ3XBxiPZK74_SgJWdRRwfPTlNpxsS5M5FAMQQwnjt4g-Jn0m4dK2lCIbzE-VK4WgIrJfM"
	  "qVZuVIJWHWZvgQTRyMQvByYyW3Hiboww_R7pDV9ngYEHvKkiFLluZOyp1L0dwuAAAG3nZ_40h4ENdXYDoAD0jVkEHlnCf0BquCg-"
	  "t51sDywRLsKAKX3e47JxsDqPqjTFxjVA" },
	{ "HS256 with the public key as secret", ERR_FORMAT,
	  "eyJhbGciOiJIUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.9suvJnRu"
	  "8sZ2_0alPoNthCRCcaKSclUOOjD5CDW-YvY" },
	{ "RS512", ERR_FORMAT,
	  "eyJhbGciOiJSUzUxMiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.mAe_07Iu"
	  "KFUmkGR76C80MGXfzvI4Ba1EhmRl8KNyLufjw3yGaSR0t5gXJ8UOgp1tjjIuP2ilsDxv6LbatyiluUdbji-ba0RHdS6MWiwf-LD9"
	  "ibphFGqMP_gyQ054BTTPT6s80wm2Pg52xYVfCHInwOE8Fiw4s28xM_ZSCNPXAIHrO7Vz9Pr4dQFlLziWjjAW6m8XMDBTjJjpkmRz"
	  "BHBVLzqbQzFCWVQpEdYmEzkZQMDf8i_xa1P6ErZ85MNa9fC-OfPAr80hwkjq3shI4rjnYkjcy1fU_1XiMQkPkcMznQlRuMeNyM6l"
	  "gVAemol85jTYsh6yq8pNLef2d7MhHcvpug" },
	{ "lower-case alg", ERR_FORMAT,
	  "eyJhbGciOiJyczI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.RV4HRN6G"
	  "XbCU5-Qj5uLW5Qwgl8qy-AaNUlnllTPo0StchDDocX5ZMsKGkm2jJ4gvfmmcXAZDsKwB3vrHGV4-6MnDIbWf9PnOW_hZSMa7caFW"
	  "wdO3zhPD7ldTXpHySNex_yXoAIsIAhZqzBd0vPPllsJp9_meWdCI5RfAnSbkmdq4fRlumnL7Gqj26hlVuGpTyfZq5S-dBcVxV7p9"
	  "Zc4IO7YtLlRJJSZdbcJXeWK-gCsVz9RV7tKkBxQMfs8kQVLyTBnBHvkhk2gWaM9SzpEsyUtom4OvRWbcyy_Umpbq35UCgIJcwy2n"
	  "JPvNiiXe-3y0d3O3J70ppEuJVLI4gEuklQ" },
	{ "alg not a text", ERR_FORMAT,
	  "eyJhbGciOlsiUlMyNTYiXSwia2lkIjoiciJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.WTd4oC"
	  "gUrq92dpoLzKgYA_HU1_92LDR_DinAiKEmqMJmITIrOz1honSqO8mKIvpHMql6xgVyusLDCbaIvDotuNNSocypUY0dFizFFReZVG"
	  "gCMqMhHQR8LbLe0NLSk0EZVdXX4Y7dWNHke4Xf1g75cfRwGE4viaZWj7Kzgq4hu52v1Ellweb1SwyF7axvdoOnwHJtZMzBHMW-Ib"
	  "TxYfC2vTQyIywRkRKtMB-UFzbUP3k9zTYP2vqAPXO1mmJSZXInA4sEXdVyDgWJS0I--7pBfUw17B6l8CFFBAeCVLXpDFa15Sth1E"
	  "rcLMpxpujwC6tJ6pqpi47_ytmszdUgNBqmqg" },
	{ "no alg", ERR_FORMAT,
	  "eyJraWQiOiJyIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.nxJsObyxrqvNTmqbyslJNKuwWY4"
	  "tNylNVUBBwvtRfy5GvLEBjucvmPzQBX9-VCup9AjbvED9OMFhyAnK7qlfgD_O9sGo7vE_lnFM00Hg3QIAJcs5VzQKzeJs4xztRn2"
	  "0PP6FVdUdHNUz6u0zhvQBZbDvbjz__aK5TSOPHw1W6FUAzHeTmQbnoQbb6QRfMJgqxrssCoOrOdPbh_cbqGqYbUnBoOSIbx_4S4H"
	  "hFVWMU3qNUjGFs-gq11iIlibusUEOqInbfSd_FwqLPLQqNAWpG9rSAIQ987EQwB_U-FzlLg56uY020i-0eBMTQgQn5RNFH2vEgCk"
	  "7b7LXqtUSFmUv2A" },
	{ "kid not a text", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6MX0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.UTyeSdAqPa_"
	  "fC3W7GKrSWGL4FJJ94_rSD3TyW7KLq7C9X4D_delN9e9_48vmvwv4N8y3kVfC_EN1LIDpZFNiHx_uGpVFpk8-DbAh4rlmVBOVEG6"
	  "SnsTWwo4LfkNfLKavCpsP9ICbBS7haq_Kq5u9Z_yL6Du6lYQkhnrmKOXgKmf-lPtM-GJhXAbj9uQUrFYCb82yvEXQjEdPgY9q_5F"
	  "MxwcquUcDp8Zl4Zn45mM4x0SFh7FActmivJ1xlU-8Cw6dJb2XgjWZjWlWkQfqOLJ0LDQs6OM17idc3soOisUISH1MoME6jllPGlT"
	  "PZttJSAtBYibOBJ2VGPUaSRsrZb9UsA" },
	{ "embedded jwk", ERR_FORMAT,
	  "eyJhbGciOiJFZERTQSIsImp3ayI6eyJrdHkiOiJPS1AiLCJjcnYiOiJFZDI1NTE5IiwieCI6IjExcVlBWUt4Q3JmVlNfN1R5V1FI"
	  "T2c3aGN2UGFwaU1scndJYWFQY0hVUm8iLCJraWQiOiJlZCJ9fQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViI"
	  "joieCJ9.H4F2WWGUdte9j5mg3xbe-7w6qjx04Knpn7MpnimIBkB6GSJqKnlTAnJtkBSO7ignhEKlxdSPtE7-curfHqPEDg" },
	{ "jku", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJqa3UiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ.eyJpc3MiOiJodHRwczovL2lzc"
	  "3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.TbXMdJ3-DOajFA4sgfd1Wd5LHejyB3Eud3Rsclaq4ZtoIlc1lX34FcJjl8iD_k5EwPJJ"
	  "TfInP-cTn96S_ecZQOV2t1uc4ddrvu0JXm-0eMTgRG-revkqPBp_pzZoG7lm7MnGs6lrjIOH3z_Tz3gNzxHxswNdRs4809zkhIhw"
	  "7kuDqnhaMYQIyrifDnobwUBXLbZuUAwPEKp0WzmwIiP-d2rU7EJxaCBZVd97L9Po_7hrcnOULJ3n43d7SK3uHm7tcwDGdMEFS6lp"
	  "09LKOksactzNt_j6EaDpNiZE0r3_8sLlqqt8vJ3yO1Hf18YXicz4XKLqVgTPVh733KkDu8jxnQ" },
	{ "x5u", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ4NXUiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ.eyJpc3MiOiJodHRwczovL2lzc"
	  "3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.aSNJiHOgizzmeLF1i5WTTQiRaTtAnyHXWDj76SiWzk9QnQlGlZqVCOGICN_W3Qfl1qDY"
	  "v-Vo7xBj2PEnR7h_yk9EX3UeGaMgKrBcsLRBDH9rA9m5eN_MzyR6gCQiSHaJ6QYbFFJK9HmNTT6e2YwI2fiLf48Er11AIWOEYK_P"
	  "0dUvgXvZtX70pH3rsRDENrYw1jhUjw6UHgTycXjMcW3KKw5y7IkagT_OfEqSxpHhRKkihLf4VIx0g_41QBYe5DV01SHChuen_L3q"
	  "xTc0JkFmSulNvjjcwSd3PtPpremOHD-oQSuTVz9bhjU5W4tMQn7c4_5v-X2faGEXjQhfCFP-3g" },
	{ "x5c", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ4NWMiOlsiTUEiXX0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3Vi"
	  "IjoieCJ9.gWPIzggIp6XbYd4Om9m7JzfK-2LqXPpebcWGeEdeWtonzvyVZr9Odvel0RHMgAFneAp4YVAqqDkbTySZ86Eza3PlpK2"
	  "ylLtYGbbOzULSUAK5VVQgtR3A3xM2vYWCuRq44RPyfyI0AlvzFQT37enH16dwKTh37UhvnAYQZ1r86pJx347o5sny0LNPEl0rQ60"
	  "lsSVtq7c1Y9ilWBafBWb6Mdfn3K6vTxbYuFYC39qXpo7xdTdL-bXCc437ByaE5w3o5aBdoSUu8e7mkt1bMMvPk69RrylWnLQISey"
	  "u25ApzWKFbryQAkm7Zn4b2S2SgqeHy24sBSBFX4GBR5zuTW5ENQ" },
	{ "crit", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJjcml0IjpbImV4cCJdfQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic"
	  "3ViIjoieCJ9.G1FgDWCugKtKWKewAw_IyX0J_Kn-JS4jQmDO1lNHnDRw1LWj_uuTToiHaINC5tl2wtinGnKaD7qu9JXSzx56QATt"
	  "-AaNrntzgKhPrKjCMnV5Mt58jlwtZV0ImA4l46aL7JcIRnfi21bF5A143p1gw6nOg3vE5UGLQMBs_6XYd6UEeWlkR68lJ-fRsIKf"
	  "-VX96dQMeuxYHhtrlQNcW8ummk9Y7aNMr9Edrs6eS_Hv7lY_8ZYLUuTxRQItxDgYgWoo79bR3ldyBbrg6M2al9YsTRrXvUO8isGW"
	  "UOTot6l3sYA9bKngxmm_S04zLOt1VPM0-IEZHik6GOnnlpkEfXe96A" },
	{ "b64 false", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJiNjQiOmZhbHNlfQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViI"
	  "joieCJ9.oUmhYrnmMnRpmFWcfaysaDrl7Y_DOPQaRJOR6zKCL7Ug6xWyzBDL6yX-yjHsvwdZF9JODSdKeCKe1YnsqqmLQ5Z8FVFP"
	  "OGfbTrk2mgasP0JLIz1YM86UfvAsHIEzxba1zjVi1exoEF4HUwTC51dFFp1x00Qz_VZ3x0265aN7GhJyrIIcOcizs1vXu0e_Is0X"
	  "QumVHxZpz4Bv2seP5QsW-Jy7qAoHPF4V5v043gSBcT4RFzj54vcdy1yYsElshuPp7NCHSW-WvGP6NjYPi0i8GTTkrt0d4g__AthU"
	  "-i71UdMx5PrfJI6NOL-WMkdvlbilM9NyHo8wAO0rK8ozOFmawg" },
	{ "zip", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ6aXAiOiJERUYifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViI"
	  "joieCJ9.y9IbkweeSRB6lPQki5z9O-g8AeE2sT96L5z8wKnjX2T_lAVh7-RZdiv-fy9X2eliyRcDLwmB6RmFZyeXsW61HI7SFNdH"
	  "95GiW0ERBa_NCGKO85bXksKB_Vx16nrinytHxLWrSoGFx2Ir8Iw6t1dwFUWUJkq7jzb7N_3qu38ZIOOe38GA2xsaYmfN_eJmm3yy"
	  "fJJplj19ZOOzchfPSJPrZbRetwYD--qWI3m58Z-qIQ1G0nHwcDE108jvTEPnGWKJrua6CbPUlW1BJ7dHI0OKOnWTZq9afbDGrJ5D"
	  "KVGuxsF0Ark2933csg5IuBOPJqXKVEv6QkL-1JtYqJoibCmVHw" },
	{ "duplicate alg", ERR_FORMAT,
	  "eyJhbGciOiJub25lIiwiYWxnIjoiUlMyNTYiLCJraWQiOiJyIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3Vi"
	  "IjoieCJ9.mXi_RTxSwa5J_qmcrb68WzE9FHk-DUdqfcLYlA8GI57wz4f9EzXokNFgMNnfeImdUn2gjG-S8qWbuNBXRds39sHTltI"
	  "klKlTF3UiRHNa0oR_MszKw9VyfGiM2eQWPwJ0UP9kDJTeMqs6Z9LFEC9WhkfiHDlZ8vs6KpJ33hEkuKgpihUR3TkzKQu989W9f9i"
	  "1CCiZo97BHZAh6AOMfXZA--ZwvW17QkyRQArQqELRYTHn9VM1_nVqr_W30oBwVa0m9mcnWLSFKqBp1QofwtEHKtS67yeQH9KBD2A"
	  "TduSyhcd58uuUW8fnFGfpv8FhLDc4T9q0aH0JEpjZxAIA3lS9HQ" },
	{ "duplicate claim", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJhIiwiaXNzIjoiYiJ9.syZL8G8nR5_8L3xblsVx2I3jSSRrNn9eW4PG"
	  "pdJZ9pQiPH2ScsX_trP3Pbs2nxL9X9CIXvs0G6--wZ_Qa3nb8LEQHPBR6s5VsQjwNDRQjygQJ_gZnD29eHHuLZpnfEAdBAY8tU-i"
	  "o3W6DRZj2CITr8RxoQOHpDjUJcowLg_1J_kNcKMdZNuY-WCt51pqD8Muiy35w34YUk9jArnULar0Llbn_kWhCIM2k21srpLxu1cY"
	  "ls3KIEDBE64V3Xy9PLV_7_3Qbl5GsjjJAxMqm10MUgNIVaIc6fGwLtC54ldOblgGP8icMpDiEiD8tOM8-MmijlKJpkJz5hwqqeaS"
	  "neA_pQ" },
	{ "claims not an object", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.WyJpc3MiXQ.dBCPvcsGhZyKynylZ2o9t-Lr0cKguwEDHd6PXTMUvwGnRJErUAR89W"
	  "Uh4s62VKsf-dE7FZJJo90ZHSl3RoWQ0KVDkc3dGVWCmjItVGLIUirrxaNiHimcQXpnlHzNDjM_f5tEMKc5-3eUV0m7Eh7-38iRWn"
	  "_qIaA-rqujAPWfuis2dGzGd80pbY7FmFv1jL6mGV-3GdVobIL33rMmmumltHbh539bG-OlrrZSuKBG6zRfvn4FtXfaxBFfjvrHG0"
	  "zC2PuzGh2eReF00OGUqMlb93ppqGVhJifXSBx75750lCz4VlBmJQjNFvwyYbycfRz54-qoee4XJvK7LUPGmrO4JA" },
	{ "claims with NUL", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJhXHUwMDAwIn0.o839iIaQvb2ZmUHc32o4xGnDZ0TuEdrKMDt_vEeVn"
	  "6W-usNmrpG-crj6i23fKcQfhX_2Wf7BYKTgBOOM_ZPHzL8hwGYXi51Yi_V-2eXFDzf41llmLDDYsltXLj1fQ4mkf4NEyM0kyAS-n"
	  "Ouh3Xp_uw0FUgp7Xyto-PN7q9w0oFq8MqbiaMOHcC6IVWABJCMOxyDdqje0OFE57igjMMDKBTDvQfHcQI2ojeHDuY1hPDlq9ZIWB"
	  "1U7C5XPhy86rpKGvhKIVslsCY-bJ6RUM5fHdEPNA5hBwhRzvT2yQSjb95tx80NIXm-O4BnfUKLQm5BLD5plsSuvulIL00Z1GBxoH"
	  "A" },
	{ "header not JSON", ERR_FORMAT,
	  "UlMyNTY.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.T6FzNSxOrkS29Huz7w3h-EnCrBntCJPX60N"
	  "hXgmLBye_T03H3RMN6g9G9FCX8QLYYTAL0JrRfMbZvCXeAx4CooazUpT0sP1sY74e3i5cjpNd2YkIsQ8L3biKjfjpHSzPjFTjG9w"
	  "4MDNsSqvU06ERlyYKAdT2EoUV0zLiu5LMuiF7f_su-Fg2kwGA4-r80XKUG4MPQzrz9Yk1k00ozYtVAOXyrfXlPX7qG20jr_8VVms"
	  "EAQN-oS7LTiAYyy5mNjPut51P1pcMVVzi0dmVfyR0MyrVQD6q3eiWZHUkpAeEna0oZFixgzQkuS3hc0P7uZh1C3dBqLq9nJXKKIT"
	  "aOW5kAA" },
	{ "claims too deep", ERR_LIMIT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJhIjpbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbXV1dX"
	  "V1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXX0.A5MtkTS0ZjDsEFxO-f7BwP83tIo3jrAwVEFa2fzrBTO9mWcPQ"
	  "ZWgANSRlg1lvJS1L7Z6wtp9PJmAYbOXbhtawBNajXI2ua57VhJb8CWaZgkAdhLWSbPvhJqfIX1nXzx6IL_bXwb5FjA3ifN9GRDS5"
	  "odlCE7-ZDqH0BatfwhUSrsGl0Cf9AUMDp4byHXHlbMmz4qGns7tZNthOolA294lt-WkLhMoLUISVbtCc__mI1rsBo0Zkaw1lNKO9"
	  "Yxm5n57bM6jvtxRq87YEu6QWc3uX2LraqGQGmSOkmbgqgS9SXFFoLEl3O31GAsngissNuInKJKAu6gy3Q88_uJ0eq33FQ" },
	{ "padding", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNku"
	  "b51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40Iz"
	  "gEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAn"
	  "TfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4"
	  "IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ==" },
	{ "blank inside", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ .eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNk"
	  "ub51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40I"
	  "zgEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKA"
	  "nTfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT"
	  "4IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ" },
	{ "four parts", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNku"
	  "b51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40Iz"
	  "gEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAn"
	  "TfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4"
	  "IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ.AA" },
	{ "five parts (JWE)", ERR_FORMAT,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNku"
	  "b51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvxxtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40Iz"
	  "gEspAxJz3PpQYIBpREmlMJY2xTawf0tUMpbwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAn"
	  "TfShW-V0LJsY8UJ25rAHw29FT-DPtQ46ygX_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4"
	  "IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ.AA.AA" },
	{ "empty header", ERR_FORMAT,
	  ".eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCJ9.pgxEpNkub51D6gP6vTmQMLH_CuzofwdqKyfYfNGfvx"
	  "xtzGYEH8hs3ewGBWXGuNC0V1SSu1UG-VXlk2dp4hgtZUAOA6axm52_2WK0TrfA40IzgEspAxJz3PpQYIBpREmlMJY2xTawf0tUMp"
	  "bwPdlSkwInQvs-g_7Qw9K1KejPrEN8SDOmDszibNOWxq7vyN5iV262p7bL2dvEMKAnTfShW-V0LJsY8UJ25rAHw29FT-DPtQ46yg"
	  "X_5geDqGU2rRYjhCe1tKl3Ogxc41GN3K_MNLFZlMPFvS1uDS9Ox54iFbwXW3aUniT4IyCfjFb3rqOBFL1SkORw1Zi5tv0V236dcQ" },
	{ "one part", ERR_FORMAT,
	  "abc" },
	{ "dots", ERR_FORMAT,
	  ".." },
	{ "RFC 8037 A.4, claims not JSON", ERR_FORMAT,
	  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6"
	  "dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
};
/* expected: the number of usable keys, or an error. */
static const struct set_vector {
	const char *name;
	int expected;
	const char *text;
} set_vectors[] = {
	{ "all kinds", 5,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\"},{\"kty\":\"RSA\",\"n\":\"iJINfmW_WxsbM0hewnIsONt582VxpYF5DPVjR4vcr_Nf3aihKx0fQQs57vMCHsMwL8u7jpFZV0YQG"
	  "hv1HVe1LJDuvvcbmECiIgkMnlS-k9W_09wcXrRq2pSvBx7TrT9VYO0tg5hkvDDNOuMcxTt1ULyu1YSuQW143s2Pyu1btiBTfbzc7"
	  "wQ1G7Dzx-pCQlZqjtxNXrjTuTnv17fac6D3ThClfk_whwhL8E7D79oCSdMouSr4YTzOMpiEwXZgLphzRYTSX29r8uV9TuwqGB3QR"
	  "Tqe-AFfh4zWVOHiS5BDJLETgKwV1tjIVVqzhIa7ELytpWpphfbbeS-w4uL9UaIJBQ\",\"e\":\"AQAB\",\"kid\":\"r256\",\"alg\":\"RS"
	  "256\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"VvoCbbQYXuPPOCe42QoZMpIeP3ay_sl3DgCgPPMXiHE\",\"y\":\"gQItRXSCl7kK3"
	  "iCDkYFmCl6vldP9sQwPtLGDjlSIUrs\",\"kid\":\"e\"},{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"hRNFQmFQ97YXEH88vNSRuEIJFq"
	  "mOax827lYzfTeh390YQJjjFiKE00dKIYdU37o1\",\"y\":\"0icNxxk2gO6bJOaL0XlqvPPexvE1ewxBn0HMNqxPCc752x6rW6-fcgD"
	  "nJJLQnCvu\",\"kid\":\"e3\",\"key_ops\":[\"verify\"]},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg"
	  "7hcvPapiMlrwIaaPcHURo\",\"kid\":\"ed\"}]}" },
	{ "unknown kty, curve, use left out", 1,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\"},{\"kty\":\"XYZ\"},{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"},{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4"
	  "CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49HBjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gI"
	  "URve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-WeiVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvh"
	  "fABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0"
	  "-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"enc\"},{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXi"
	  "T7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49HBjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve"
	  "2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-WeiVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABM"
	  "bLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq"
	  "5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"sig\",\"alg\":\"RS512\"},{\"kty\":\"RSA\",\"n\":\"3eIObZ3T"
	  "UkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49HBjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJ"
	  "LKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-WeiVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgv"
	  "qQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXw"
	  "dtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"sig\",\"key_ops\":[\"encrypt\"]},{\"kty\":\""
	  "OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}]}" },
	{ "unknown members", 1,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\",\"foo\":\"bar\",\"x5t\":\"AA\"}],\"more\":1}" },
	{ "without kid", 1,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"use\":\"sig\"}]}" },
	{ "no keys member", ERR_FORMAT,
	  "{}" },
	{ "keys not an array", ERR_FORMAT,
	  "{\"keys\":{}}" },
	{ "empty", ERR_NOT_FOUND,
	  "{\"keys\":[]}" },
	{ "only unusable", ERR_NOT_FOUND,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"e"
	  "nc\"}]}" },
	{ "not JSON", ERR_FORMAT,
	  "-----BEGIN PUBLIC KEY-----" },
	{ "array at top", ERR_FORMAT,
	  "[]" },
	{ "empty text", ERR_FORMAT,
	  "" },
	{ "key not an object", ERR_FORMAT,
	  "{\"keys\":[\"x\"]}" },
	{ "no kty", ERR_FORMAT,
	  "{\"keys\":[{\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49HBjBDFprGMuuZ"
	  "Uc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-WeiVCufjVgOAaO"
	  "wn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti1WrkI54vzsPF"
	  "ICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"sig\"}]}" },
	{ "duplicate member", ERR_FORMAT,
	  "{\"keys\":[],\"keys\":[]}" },
	{ "RSA 1024", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"zdgdmc1gY4s_yC15qb_WqQ22A2vib1R0rQ218lCmYbFC7n4SK1vmVO9IVeWDhf8C0uZGQl6Lx"
	  "MeSj9XA05FcKxNy2Gv7rYbJdrRnK5TmsufSoxLkK8yVjQh4zzANyUzBaMsK-xkOt_9xOkFmc7jLBiR5nqWZes5Im9UmbT2XBiE\","
	  "\"e\":\"AQAB\"}]}" },
	{ "RSA without n", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"sig\"}]}" },
	{ "RSA n with padding", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw=\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\""
	  "sig\"}]}" },
	{ "RSA e = 1", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQ\",\"kid\":\"r\",\"use\":\"sig"
	  "\"}]}" },
	{ "RSA e even", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAA\",\"kid\":\"r\",\"use\":\"s"
	  "ig\"}]}" },
	{ "RSA e too long", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQEBAQEBAQEB\",\"kid\":\"r\","
	  "\"use\":\"sig\"}]}" },
	{ "RSA over 8192 bits", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"_________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "____________________________________________________________________________________________________"
	  "_____________________________________________________________________________________________8\",\"e\":"
	  "\"AQAB\",\"kid\":\"r\",\"use\":\"sig\"}]}" },
	{ "alg of another type", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\",\"alg\":\"ES256\"}]}" },
	{ "kid not a text", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":7,\"use\":\"sig"
	  "\"}]}" },
	{ "kid too long", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"kkkkkkkkkkk"
	  "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	  "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	  "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\",\"use\":\"si"
	  "g\"}]}" },
	{ "EC point off the curve", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"VvoCbbQYXuPPOCe42QoZMpIeP3ay_sl3DgCgPPMXiHE\",\"y\":\"gQItRXSCl7"
	  "kK3iCDkYFmCl6vldP9sQwPtLGDjlSIUro\",\"kid\":\"e\"}]}" },
	{ "EC coordinate short", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"-gJttBhe4884J7jZChkykh4_drL-yXcOAKA88xeIcQ\",\"y\":\"gQItRXSCl7k"
	  "K3iCDkYFmCl6vldP9sQwPtLGDjlSIUrs\",\"kid\":\"e\"}]}" },
	{ "EC coordinate long", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AFb6Am20GF7jzzgnuNkKGTKSHj92sv7Jdw4AoDzzF4hx\",\"y\":\"gQItRXSCl"
	  "7kK3iCDkYFmCl6vldP9sQwPtLGDjlSIUrs\",\"kid\":\"e\"}]}" },
	{ "EC without y", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"VvoCbbQYXuPPOCe42QoZMpIeP3ay_sl3DgCgPPMXiHE\",\"kid\":\"e\"}]}" },
	{ "Ed25519 short", ERR_FORMAT,
	  "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"WpgBgrEKt9VL_tPJZAc6DuFy89qmIyWvAhpo9wdRGg\",\"kid\":\"ed\"}]}" },
	{ "private RSA key", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\",\"d\":\"AQAB\"}]}" },
	{ "symmetric key", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3eIObZ3TUkETr4CdXiT7JLx223x4EBrfq5gTKFyZrL30mhMqyRrNBDo3mL1HY6-fbIwbIH49H"
	  "BjBDFprGMuuZUc_2AVBDfjMj7xxZWlGLlfJLKG7gIURve2F0YFHljJFRe67LToOKt5D2NTswzLP2XV6jsaYs_2QDNIzkMNixF-We"
	  "iVCufjVgOAaOwn_eA1-myKVU4wFReQg2dgvqQJtvhfABMbLYBeE0cyuCloosFJvlqC0GeutlGY2Cb6cOmx_wdnJi9bc1qJGZo8ti"
	  "1WrkI54vzsPFICshXvrbtd1q3GDs8gvNRXwdtXFl0-Gwq5eRZ9fVYgHZTifR-FeqKoYHw\",\"e\":\"AQAB\",\"kid\":\"r\",\"use\":\"s"
	  "ig\"},{\"kty\":\"oct\",\"k\":\"AAAA\"}]}" },
	{ "private EC key", ERR_CRYPTO,
	  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"VvoCbbQYXuPPOCe42QoZMpIeP3ay_sl3DgCgPPMXiHE\",\"y\":\"gQItRXSCl7"
	  "kK3iCDkYFmCl6vldP9sQwPtLGDjlSIUrs\",\"kid\":\"e\",\"d\":\"AA\"}]}" },
	{ "too many", ERR_LIMIT,
	  "{\"keys\":[{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":"
	  "\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"X"
	  "YZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ"
	  "\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"}"
	  ",{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{"
	  "\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"k"
	  "ty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty"
	  "\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":"
	  "\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"XYZ\"},{\"kty\":\"X"
	  "YZ\"},{\"kty\":\"XYZ\"}]}" },
	{ "too deep", ERR_LIMIT,
	  "{\"keys\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}" },
};
/* clang-format on */

#endif
