/* Mbed TLS's DTLS 1.2, with connection IDs. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/timing.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include "peer.h"

static void check(int returned, const char *doing) {
  if (returned >= 0) return;
  char why[150], text[200];
  mbedtls_strerror(returned, why, sizeof why);
  snprintf(text, sizeof text, "%s: %s", doing, why);
  fail(text);
}

static uint16_t group_of(const char *name) {
  if (strcmp(name, "x25519") == 0) return MBEDTLS_SSL_IANA_TLS_GROUP_X25519;
  if (strcmp(name, "secp256r1") == 0) return MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1;
  return MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1;
}

static uint16_t profile_of(const char *name) {
  return strcmp(name, "AES128_CM_HMAC_SHA1_32") == 0 ? MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_32
                                                     : MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80;
}

/* The two cipher suites of an AEAD algorithm: with ECDSA and with RSA. */
static void add_suites(const char *aead, int *suites) {
  if (strcmp(aead, "aes-256-gcm") == 0) {
    suites[0] = MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    suites[1] = MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384;
  } else if (strcmp(aead, "chacha20-poly1305") == 0) {
    suites[0] = MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    suites[1] = MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256;
  } else {
    suites[0] = MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    suites[1] = MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
  }
}

/* Its names have hyphens where IANA's have underscores. */
static const char *suite_name(const mbedtls_ssl_context *ssl) {
  static char name[80];
  snprintf(name, sizeof name, "%s", mbedtls_ssl_get_ciphersuite(ssl));
  for (char *at = name; *at; at++)
    if (*at == '-') *at = '_';
  return name;
}

/* Whoever runs this program compares the fingerprint that it tells. */
static int accept_any(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  (void)context;
  (void)certificate;
  (void)depth;
  *flags = 0;
  return 0;
}

static mbedtls_ssl_config config;
static mbedtls_ssl_cookie_ctx cookies;
static mbedtls_ctr_drbg_context random_bytes;
static mbedtls_entropy_context entropy;
static mbedtls_x509_crt certificate;
static mbedtls_pk_context key;

static void configure(void) {
  static uint16_t groups[8];
  static int suites[17];
  static mbedtls_ssl_srtp_profile profiles[5];
  mbedtls_ssl_config_init(&config);
  mbedtls_ssl_config_defaults(&config, is_server() ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                              MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_verify(&config, accept_any, NULL);
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_bytes);
  mbedtls_x509_crt_init(&certificate);
  mbedtls_pk_init(&key);
  check(mbedtls_x509_crt_parse_file(&certificate, option("certificate")), "certificate");
  check(mbedtls_pk_parse_keyfile(&key, option("key"), NULL, mbedtls_ctr_drbg_random, &random_bytes), "key");
  mbedtls_ssl_conf_ca_chain(&config, &certificate, NULL);
  check(mbedtls_ssl_conf_own_cert(&config, &certificate, &key), "own certificate");

  char each[64];
  const char *list = option("groups");
  int last = 0;
  while (last < 6 && next(&list, each, sizeof each)) groups[last++] = group_of(each);
  /* To it a certificate's curve is one of these as well. */
  groups[last] = MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1;
  mbedtls_ssl_conf_groups(&config, groups);
  list = option("aeads");
  for (int i = 0; i < 16 && next(&list, each, sizeof each); i += 2) add_suites(each, suites + i);
  mbedtls_ssl_conf_ciphersuites(&config, suites);
  list = option("srtp");
  for (int i = 0; i < 4 && next(&list, each, sizeof each); i++) profiles[i] = profile_of(each);
  if (profiles[0]) check(mbedtls_ssl_conf_dtls_srtp_protection_profiles(&config, profiles), "SRTP profiles");
  if (option("cid") != NULL)
    check(mbedtls_ssl_conf_cid(&config, strlen(option("cid")) / 2, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE), "cid");
  if (!is_server()) return;
  if (number("cookie", 0)) {
    mbedtls_ssl_cookie_init(&cookies);
    check(mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &random_bytes), "cookies");
    mbedtls_ssl_conf_dtls_cookies(&config, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
  } else {
    mbedtls_ssl_conf_dtls_cookies(&config, NULL, NULL, NULL);
  }
}

static void set_up(mbedtls_ssl_context *ssl) {
  const char *cid = option("cid");
  if (cid != NULL) {
    unsigned char id[32];
    size_t length = unhex(cid, id);
    check(mbedtls_ssl_set_cid(ssl, MBEDTLS_SSL_CID_ENABLED, id, length), "cid");
  }
  if (is_server() && number("cookie", 0))
    check(mbedtls_ssl_set_client_transport_id(ssl, (const unsigned char *)"loopback", 8), "transport id");
}

/* What its own exporter needs as well; that one crashes where a server asks right after the handshake. */
static struct {
  unsigned char master_secret[48], randoms[64];
  mbedtls_tls_prf_types prf;
} secrets;

static void keep_secrets(void *context, mbedtls_ssl_key_export_type type, const unsigned char *secret, size_t length,
                         const unsigned char client_random[32], const unsigned char server_random[32],
                         mbedtls_tls_prf_types prf) {
  (void)context;
  if (type != MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET || length != 48) return;
  memcpy(secrets.master_secret, secret, 48);
  memcpy(secrets.randoms, client_random, 32);
  memcpy(secrets.randoms + 32, server_random, 32);
  secrets.prf = prf;
}

/* RFC 5705 4, without a context. */
static int export(unsigned char *into, size_t length) {
  return mbedtls_ssl_tls_prf(secrets.prf, secrets.master_secret, 48, "EXTRACTOR-dtls_srtp", secrets.randoms, 64, into,
                             length);
}

static void shake_hands(mbedtls_ssl_context *ssl) {
  for (;;) {
    int returned = mbedtls_ssl_handshake(ssl);
    if (returned == 0) return;
    if (returned == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) {
      check(mbedtls_ssl_session_reset(ssl), "reset");
      set_up(ssl);
    } else if (returned != MBEDTLS_ERR_SSL_WANT_READ && returned != MBEDTLS_ERR_SSL_WANT_WRITE) {
      check(returned, "handshake");
    }
  }
}

static void report(mbedtls_ssl_context *ssl) {
  unsigned char exported[100], digest[32], cid[32];
  char exporter_text[201] = "", fingerprint[65] = "";
  mbedtls_dtls_srtp_info info;
  mbedtls_ssl_get_dtls_srtp_negotiation_result(ssl, &info);
  const char *srtp = "";
  if (info.private_chosen_dtls_srtp_profile == MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80)
    srtp = "AES128_CM_HMAC_SHA1_80";
  if (info.private_chosen_dtls_srtp_profile == MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_32)
    srtp = "AES128_CM_HMAC_SHA1_32";
  size_t length = exported_length(srtp);
  if (export(exported, length) == 0)
    hex(exported, length, exporter_text);
  const mbedtls_x509_crt *theirs = mbedtls_ssl_get_peer_cert(ssl);
  if (theirs != NULL) {
    mbedtls_sha256(theirs->raw.p, theirs->raw.len, digest, 0);
    hex(digest, 32, fingerprint);
  }
  int are_used = 0;
  size_t cid_length = 0;
  mbedtls_ssl_get_peer_cid(ssl, &are_used, cid, &cid_length);
  size_t ours = are_used && option("cid") != NULL ? strlen(option("cid")) / 2 : 0;
  /* It does not tell the group: who gave it one only knows. */
  say("{\"type\":\"connected\",\"version\":\"%s\",\"cipherSuite\":\"%s\",\"srtp\":\"%s\",\"exporter\":\"%s\","
      "\"fingerprint\":\"%s\",\"connectionIds\":[%zu,%zu]}",
      strstr(mbedtls_ssl_get_version(ssl), "1.2") ? "1.2" : "?", suite_name(ssl), srtp, exporter_text, fingerprint,
      are_used ? cid_length : 0, ours);
}

int main(int count, char **values) {
  begin(count, values);
  psa_crypto_init();
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&random_bytes);
  check(mbedtls_ctr_drbg_seed(&random_bytes, mbedtls_entropy_func, &entropy, NULL, 0), "random");
  configure();
  mbedtls_ssl_context ssl;
  mbedtls_timing_delay_context timer;
  mbedtls_ssl_init(&ssl);
  check(mbedtls_ssl_setup(&ssl, &config), "setup");
  check(mbedtls_ssl_set_hostname(&ssl, NULL), "hostname");
  mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
  if (number("mtu", 0)) mbedtls_ssl_set_mtu(&ssl, number("mtu", 0));
  mbedtls_net_context net = {open_socket()};
  mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, mbedtls_net_recv_timeout);
  mbedtls_ssl_set_export_keys_cb(&ssl, keep_secrets, NULL);
  set_up(&ssl);
  shake_hands(&ssl);
  report(&ssl);
  const char *first = option("say");
  if (first != NULL) check(mbedtls_ssl_write(&ssl, (const unsigned char *)first, strlen(first)), "write");
  for (;;) {
    char message[2000], answer[2100];
    int length = mbedtls_ssl_read(&ssl, (unsigned char *)message, sizeof message);
    if (length == MBEDTLS_ERR_SSL_WANT_READ || length == MBEDTLS_ERR_SSL_TIMEOUT) continue;
    if (length == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) break;
    check(length, "read");
    if (first != NULL)
      say("{\"type\":\"heard\",\"text\":\"%.*s\"}", (int)strcspn(message, "\n"), message);
    else
      check(mbedtls_ssl_write(&ssl, (unsigned char *)answer, echo_of(message, length, answer)), "write");
  }
  say("{\"type\":\"closed\"}");
  return 0;
}
