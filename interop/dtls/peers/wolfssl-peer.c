/* wolfSSL's DTLS 1.2 and 1.3, with connection IDs, key updates and post-quantum groups. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include "peer.h"

static int version_of(const char *name) { return strcmp(name, "1.3") == 0 ? WOLFSSL_DTLSV1_3 : WOLFSSL_DTLSV1_2; }

static int group_of(const char *name) {
  if (strcmp(name, "X25519MLKEM768") == 0) return WOLFSSL_X25519MLKEM768;
  if (strcmp(name, "x25519") == 0) return WOLFSSL_ECC_X25519;
  if (strcmp(name, "secp256r1") == 0) return WOLFSSL_ECC_SECP256R1;
  return WOLFSSL_ECC_SECP384R1;
}

/* Its name of an SRTP profile differs from the RFC's. */
static const char *profile_of(const char *name) {
  if (strcmp(name, "AEAD_AES_128_GCM") == 0) return "SRTP_AEAD_AES_128_GCM";
  if (strcmp(name, "AEAD_AES_256_GCM") == 0) return "SRTP_AEAD_AES_256_GCM";
  if (strcmp(name, "AES128_CM_HMAC_SHA1_32") == 0) return "SRTP_AES128_CM_SHA1_32";
  return "SRTP_AES128_CM_SHA1_80";
}

static const char *profile_name(const char *theirs) {
  static const char *names[] = {"AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80",
                                "AES128_CM_HMAC_SHA1_32"};
  for (int i = 0; i < 4; i++)
    if (strcmp(profile_of(names[i]), theirs) == 0) return names[i];
  return theirs;
}

static const char *suites_of(const char *aead) {
  if (strcmp(aead, "aes-256-gcm") == 0)
    return "TLS13-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
  if (strcmp(aead, "chacha20-poly1305") == 0)
    return "TLS13-CHACHA20-POLY1305-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  return "TLS13-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
}

/* Whoever runs this program compares the fingerprint that it tells. */
static int accept_any(int verified, WOLFSSL_X509_STORE_CTX *store) {
  (void)verified;
  (void)store;
  return 1;
}

static void stop(WOLFSSL *ssl, int returned, const char *doing) {
  char text[200], why[80];
  wolfSSL_ERR_error_string(wolfSSL_get_error(ssl, returned), why);
  snprintf(text, sizeof text, "%s: %s", doing, why);
  fail(text);
}

static WOLFSSL_CTX *new_context(void) {
  const char *versions = option("versions");
  int has_12 = strstr(versions, "1.2") != NULL, has_13 = strstr(versions, "1.3") != NULL;
  WOLFSSL_METHOD *method;
  if (is_server())
    method = has_12 && has_13 ? wolfDTLS_server_method()
             : has_13         ? wolfDTLSv1_3_server_method()
                              : wolfDTLSv1_2_server_method();
  else
    method = has_12 && has_13 ? wolfDTLS_client_method()
             : has_13         ? wolfDTLSv1_3_client_method()
                              : wolfDTLSv1_2_client_method();
  WOLFSSL_CTX *context = wolfSSL_CTX_new(method);
  if (has_12 && has_13) wolfSSL_CTX_SetMinVersion(context, version_of("1.2"));
  wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  if (wolfSSL_CTX_use_certificate_file(context, option("certificate"), WOLFSSL_FILETYPE_PEM) != 1) fail("certificate");
  if (wolfSSL_CTX_use_PrivateKey_file(context, option("key"), WOLFSSL_FILETYPE_PEM) != 1) fail("key");

  char each[64], suites[1000] = "", profiles[200] = "";
  const char *list = option("aeads");
  while (next(&list, each, sizeof each)) append(suites, sizeof suites, "%s%s", *suites ? ":" : "", suites_of(each));
  if (wolfSSL_CTX_set_cipher_list(context, suites) != 1) fail("cipher suites");
  list = option("srtp");
  while (next(&list, each, sizeof each))
    append(profiles, sizeof profiles, "%s%s", *profiles ? ":" : "", profile_of(each));
  if (*profiles && wolfSSL_CTX_set_tlsext_use_srtp(context, profiles) != 0) fail("SRTP profiles");
  return context;
}

static void set_groups(WOLFSSL *ssl) {
  char each[64];
  int groups[8], count = 0;
  const char *list = option("groups");
  while (count < 8 && next(&list, each, sizeof each)) {
    groups[count++] = group_of(each);
    if (wolfSSL_UseSupportedCurve(ssl, group_of(each)) != 1) fail("group");
  }
  if (strstr(option("versions"), "1.3") == NULL) return;
  if (wolfSSL_set_groups(ssl, groups, count) != 1) fail("groups");
  if (!is_server() && wolfSSL_UseKeyShare(ssl, groups[0]) != 1) fail("key share");
}

static void report(WOLFSSL *ssl) {
  int suite = wolfSSL_get_current_cipher_suite(ssl);
  const char *version = strstr(wolfSSL_get_version(ssl), "1.3") ? "1.3" : "1.2";
  char exporter_text[200] = "", fingerprint[65] = "";
  unsigned char exported[100], digest[32];
  const WOLFSSL_SRTP_PROTECTION_PROFILE *selected = wolfSSL_get_selected_srtp_profile(ssl);
  const char *srtp = selected == NULL ? "" : profile_name(selected->name);
  size_t length = exported_length(srtp);
  if (wolfSSL_export_keying_material(ssl, exported, length, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) == 1)
    hex(exported, length, exporter_text);
  int der_length = 0;
  WOLFSSL_X509 *certificate = wolfSSL_get_peer_certificate(ssl);
  if (certificate != NULL) {
    const unsigned char *der = wolfSSL_X509_get_der(certificate, &der_length);
    wc_Sha256Hash(der, der_length, digest);
    hex(digest, 32, fingerprint);
  }
  unsigned int sends = 0, hears = 0;
  wolfSSL_dtls_cid_get_tx_size(ssl, &sends);
  wolfSSL_dtls_cid_get_rx_size(ssl, &hears);
  const char *group = wolfSSL_get_curve_name(ssl);
  say("{\"type\":\"connected\",\"version\":\"%s\",\"cipherSuite\":\"%s\",\"group\":\"%s\",\"srtp\":\"%s\","
      "\"exporter\":\"%s\",\"fingerprint\":\"%s\",\"connectionIds\":[%u,%u]}",
      version, wolfSSL_get_cipher_name_iana_from_suite(suite >> 8, suite & 0xff), group == NULL ? "" : group, srtp,
      exporter_text, fingerprint, sends, hears);
}

int main(int count, char **values) {
  begin(count, values);
  wolfSSL_Init();
  WOLFSSL *ssl = wolfSSL_new(new_context());
  set_groups(ssl);
  const char *cid = option("cid");
  if (cid != NULL) {
    unsigned char id[32];
    size_t length = unhex(cid, id);
    wolfSSL_dtls_cid_use(ssl);
    wolfSSL_dtls_cid_set(ssl, id, length);
  }
  if (number("mtu", 0)) wolfSSL_dtls_set_mtu(ssl, number("mtu", 0));
  if (is_server() && strstr(option("versions"), "1.3") != NULL) {
    /* A ClientHello with a post-quantum share comes in pieces; as these have no cookie, they must be let in. */
    if (number("cookie", 0)) {
      wolfSSL_send_hrr_cookie(ssl, NULL, 0);
    } else {
      wolfSSL_disable_hrr_cookie(ssl);
      wolfSSL_dtls13_allow_ch_frag(ssl, 1);
    }
  }
  wolfSSL_set_fd(ssl, open_socket());
  int done = is_server() ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl);
  if (done != 1) stop(ssl, done, "handshake");
  report(ssl);
  const char *first = option("say");
  if (first != NULL) wolfSSL_write(ssl, first, strlen(first));
  for (int updates = number("update", 0);;) {
    char message[2000], answer[2100];
    int length = wolfSSL_read(ssl, message, sizeof message - 1);
    if (length <= 0) {
      if (wolfSSL_get_error(ssl, length) == WOLFSSL_ERROR_WANT_READ) continue;
      if (wolfSSL_get_error(ssl, length) == WOLFSSL_ERROR_ZERO_RETURN) break;
      stop(ssl, length, "read");
    }
    if (first != NULL) {
      say("{\"type\":\"heard\",\"text\":\"%.*s\"}", (int)strcspn(message, "\n"), message);
      continue;
    }
    if (wolfSSL_write(ssl, answer, echo_of(message, length, answer)) <= 0) stop(ssl, 0, "write");
    if (updates-- > 0 && wolfSSL_update_keys(ssl) != 1) fail("key update");
  }
  say("{\"type\":\"closed\"}");
  return 0;
}
