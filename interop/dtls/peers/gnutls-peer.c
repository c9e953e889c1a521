/* GnuTLS's DTLS 1.2. */
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include "peer.h"

static void check(int returned, const char *doing) {
  if (returned >= 0) return;
  char text[200];
  snprintf(text, sizeof text, "%s: %s", doing, gnutls_strerror(returned));
  fail(text);
}

static const char *group_of(const char *name) {
  if (strcmp(name, "x25519") == 0) return "X25519";
  return strcmp(name, "secp256r1") == 0 ? "SECP256R1" : "SECP384R1";
}

static const char *cipher_of(const char *aead) {
  if (strcmp(aead, "aes-256-gcm") == 0) return "AES-256-GCM";
  return strcmp(aead, "chacha20-poly1305") == 0 ? "CHACHA20-POLY1305" : "AES-128-GCM";
}

static const char *profile_name(gnutls_srtp_profile_t profile) {
  return profile == GNUTLS_SRTP_AES128_CM_HMAC_SHA1_32 ? "AES128_CM_HMAC_SHA1_32" : "AES128_CM_HMAC_SHA1_80";
}

static ssize_t push(gnutls_transport_ptr_t to, const void *bytes, size_t length) {
  return send((int)(intptr_t)to, bytes, length, 0);
}

/* The cookie exchange (RFC 6347 4.2.1), before there is a session. */
static void exchange_cookies(gnutls_session_t session, int on_socket) {
  gnutls_datum_t secret;
  gnutls_dtls_prestate_st state = {0};
  check(gnutls_key_generate(&secret, GNUTLS_COOKIE_KEY_SIZE), "cookie key");
  for (;;) {
    char hello[2000];
    ssize_t length = recv(on_socket, hello, sizeof hello, MSG_PEEK);
    if (length < 0) fail("recv");
    if (gnutls_dtls_cookie_verify(&secret, "loopback", 8, hello, length, &state) >= 0) break;
    check(gnutls_dtls_cookie_send(&secret, "loopback", 8, &state, (gnutls_transport_ptr_t)(intptr_t)on_socket, push),
          "cookie");
    recv(on_socket, hello, sizeof hello, 0);
  }
  gnutls_dtls_prestate_set(session, &state);
}

static void report(gnutls_session_t session) {
  unsigned char exported[100], digest[32];
  char exporter_text[201] = "", fingerprint[65] = "";
  gnutls_srtp_profile_t profile;
  const char *srtp = gnutls_srtp_get_selected_profile(session, &profile) == 0 ? profile_name(profile) : "";
  size_t length = exported_length(srtp);
  if (gnutls_prf_rfc5705(session, 19, "EXTRACTOR-dtls_srtp", 0, NULL, length, (char *)exported) == 0)
    hex(exported, length, exporter_text);
  unsigned int count = 0;
  const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &count);
  if (count > 0) {
    gnutls_hash_fast(GNUTLS_DIG_SHA256, certificates[0].data, certificates[0].size, digest);
    hex(digest, 32, fingerprint);
  }
  say("{\"type\":\"connected\",\"version\":\"%s\",\"cipherSuite\":\"TLS_%s_WITH_%s\",\"group\":\"%s\",\"srtp\":\"%s\","
      "\"exporter\":\"%s\",\"fingerprint\":\"%s\"}",
      gnutls_protocol_get_version(session) == GNUTLS_DTLS1_2 ? "1.2" : "?",
      gnutls_kx_get(session) == GNUTLS_KX_ECDHE_ECDSA ? "ECDHE_ECDSA" : "ECDHE_RSA",
      gnutls_cipher_get(session) == GNUTLS_CIPHER_AES_256_GCM         ? "AES_256_GCM_SHA384"
      : gnutls_cipher_get(session) == GNUTLS_CIPHER_CHACHA20_POLY1305 ? "CHACHA20_POLY1305_SHA256"
                                                                      : "AES_128_GCM_SHA256",
      gnutls_group_get_name(gnutls_group_get(session)), srtp, exporter_text, fingerprint);
}

int main(int count, char **values) {
  begin(count, values);
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
  check(gnutls_certificate_allocate_credentials(&credentials), "credentials");
  check(gnutls_certificate_set_x509_key_file(credentials, option("certificate"), option("key"), GNUTLS_X509_FMT_PEM),
        "certificate");
  check(gnutls_init(&session, (is_server() ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_DATAGRAM), "init");
  char each[64], priority[600] = "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AEAD:+SIGN-ALL:+COMP-NULL:+CTYPE-X509";
  const char *list = option("groups"), *wrong;
  while (next(&list, each, sizeof each)) append(priority, sizeof priority, ":+GROUP-%s", group_of(each));
  list = option("aeads");
  while (next(&list, each, sizeof each)) append(priority, sizeof priority, ":+%s", cipher_of(each));
  check(gnutls_priority_set_direct(session, priority, &wrong), "priority");
  check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), "credentials");
  list = option("srtp");
  while (next(&list, each, sizeof each))
    check(gnutls_srtp_set_profile(session, strcmp(each, "AES128_CM_HMAC_SHA1_32") == 0
                                               ? GNUTLS_SRTP_AES128_CM_HMAC_SHA1_32
                                               : GNUTLS_SRTP_AES128_CM_HMAC_SHA1_80),
          "SRTP profile");
  /* Whoever runs this program compares the fingerprint that it tells. */
  if (is_server()) gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
  gnutls_dtls_set_mtu(session, number("mtu", 1200));
  if (number("limit", 0)) check(gnutls_record_set_max_recv_size(session, number("limit", 0)), "record size limit");
  int on_socket = open_socket();
  gnutls_transport_set_int(session, on_socket);
  if (is_server() && number("cookie", 0)) exchange_cookies(session, on_socket);
  int returned;
  do {
    returned = gnutls_handshake(session);
  } while (returned < 0 && !gnutls_error_is_fatal(returned));
  check(returned, "handshake");
  report(session);
  const char *first = option("say");
  if (first != NULL) check(gnutls_record_send(session, first, strlen(first)), "send");
  for (;;) {
    char message[2000], answer[2100];
    int length = gnutls_record_recv(session, message, sizeof message);
    if (length == 0) break;
    if (length < 0) {
      if (gnutls_error_is_fatal(length)) check(length, "receive");
      continue;
    }
    if (first != NULL)
      say("{\"type\":\"heard\",\"text\":\"%.*s\"}", (int)strcspn(message, "\n"), message);
    else
      check(gnutls_record_send(session, answer, echo_of(message, length, answer)), "send");
  }
  say("{\"type\":\"closed\"}");
  return 0;
}
