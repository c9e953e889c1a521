/*
 * DTLS 1.2 handshakes of OpenSSL with itself, both ends in this process, over two UDP sockets of the loopback.
 * handshake-peer-openssl COUNT GROUP: prints the CPU time of one handshake, both ends together, in microseconds.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int anybody(int ok, X509_STORE_CTX *store) {
  (void)ok;
  (void)store;
  return 1;
}

static SSL_CTX *context(const SSL_METHOD *method, const char *group, EVP_PKEY *key, X509 *certificate) {
  SSL_CTX *ctx = SSL_CTX_new(method);
  SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION);
  SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
  if (SSL_CTX_set1_groups_list(ctx, group) != 1) exit(2);
  SSL_CTX_use_certificate(ctx, certificate);
  SSL_CTX_use_PrivateKey(ctx, key);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, anybody);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM");
  return ctx;
}

static int bound(struct sockaddr_in *at) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  socklen_t length = sizeof *at;
  memset(at, 0, sizeof *at);
  at->sin_family = AF_INET;
  at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr *)at, length) != 0) exit(2);
  getsockname(fd, (struct sockaddr *)at, &length);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static SSL *end(SSL_CTX *ctx, int fd, struct sockaddr_in *peer) {
  SSL *ssl = SSL_new(ctx);
  BIO *bio = BIO_new_dgram(fd, BIO_NOCLOSE);
  BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, peer);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_mtu(ssl, 1200);
  return ssl;
}

static void drain(int fd) {
  char bytes[2048];
  while (recv(fd, bytes, sizeof bytes, 0) > 0) continue;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1e6 * (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int handshakes = atoi(arguments[1]);
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (unsigned char *)"WebRTC", -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX *clients = context(DTLS_client_method(), arguments[2], key, certificate);
  SSL_CTX *servers = context(DTLS_server_method(), arguments[2], key, certificate);
  struct sockaddr_in a, b;
  int fds[2] = {bound(&a), bound(&b)};
  if (connect(fds[0], (struct sockaddr *)&b, sizeof b) || connect(fds[1], (struct sockaddr *)&a, sizeof a)) return 2;
  double before = cpu();
  for (int i = 0; i < handshakes; i++) {
    SSL *client = end(clients, fds[0], &b), *server = end(servers, fds[1], &a);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    int isDone = 0;
    for (int turn = 0; turn < 100 && !isDone; turn++) {
      int ours = SSL_do_handshake(client), theirs = SSL_do_handshake(server);
      isDone = ours == 1 && theirs == 1;
    }
    unsigned char material[60];
    if (!isDone || SSL_export_keying_material(client, material, 56, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) != 1) return 3;
    SSL_free(client);
    SSL_free(server);
    drain(fds[0]);
    drain(fds[1]);
  }
  printf("{\"cpu\":%.3f}\n", (cpu() - before) / handshakes);
  return 0;
}
