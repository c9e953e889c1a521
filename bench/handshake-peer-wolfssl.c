/*
 * DTLS 1.3 handshakes of wolfSSL with itself, both ends in this process, over queues in memory.
 * handshake-peer-wolfssl COUNT GROUP CERTIFICATE KEY (PEM files): prints the CPU time of one handshake, both ends together,
 * in microseconds.
 */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { DATAGRAMS = 64, LONGEST = 2048 };

/* Datagrams on their way to one end. */
struct queue {
  int first, last, lengths[DATAGRAMS];
  char bytes[DATAGRAMS][LONGEST];
};

/* An end reads from one queue and writes to the other. */
struct wire {
  struct queue *in, *out;
};

static int take(WOLFSSL *ssl, char *buffer, int size, void *context) {
  struct queue *queue = ((struct wire *)context)->in;
  (void)ssl;
  if (queue->first == queue->last) return WOLFSSL_CBIO_ERR_WANT_READ;
  int at = queue->first++ % DATAGRAMS, length = queue->lengths[at];
  if (length > size) length = size;
  memcpy(buffer, queue->bytes[at], length);
  return length;
}

static int put(WOLFSSL *ssl, char *buffer, int size, void *context) {
  struct queue *queue = ((struct wire *)context)->out;
  (void)ssl;
  if (size > LONGEST || queue->last - queue->first == DATAGRAMS) return WOLFSSL_CBIO_ERR_GENERAL;
  int at = queue->last++ % DATAGRAMS;
  memcpy(queue->bytes[at], buffer, size);
  queue->lengths[at] = size;
  return size;
}

static int anybody(int ok, WOLFSSL_X509_STORE_CTX *store) {
  (void)ok;
  (void)store;
  return 1;
}

static WOLFSSL_CTX *context(WOLFSSL_METHOD *method, char **files) {
  WOLFSSL_CTX *ctx = wolfSSL_CTX_new(method);
  if (wolfSSL_CTX_use_certificate_file(ctx, files[0], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS ||
      wolfSSL_CTX_use_PrivateKey_file(ctx, files[1], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
    exit(2);
  wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, anybody);
  wolfSSL_CTX_set_cipher_list(ctx, "TLS13-AES128-GCM-SHA256");
  wolfSSL_CTX_SetIORecv(ctx, take);
  wolfSSL_CTX_SetIOSend(ctx, put);
  return ctx;
}

static WOLFSSL *end(WOLFSSL_CTX *ctx, int group, struct wire *wire) {
  WOLFSSL *ssl = wolfSSL_new(ctx);
  wolfSSL_SetIOReadCtx(ssl, wire);
  wolfSSL_SetIOWriteCtx(ssl, wire);
  wolfSSL_dtls_set_using_nonblock(ssl, 1);
  wolfSSL_dtls_set_mtu(ssl, 1400);
  if (wolfSSL_set_groups(ssl, &group, 1) != WOLFSSL_SUCCESS) exit(2);
  return ssl;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1e6 * (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int main(int count, char **arguments) {
  if (count != 5) return 2;
  int handshakes = atoi(arguments[1]);
  const char *name = arguments[2];
  int group = strcmp(name, "x25519") == 0      ? WOLFSSL_ECC_X25519
              : strcmp(name, "secp256r1") == 0 ? WOLFSSL_ECC_SECP256R1
                                               : WOLFSSL_ECC_SECP384R1;
  wolfSSL_Init();
  WOLFSSL_CTX *clients = context(wolfDTLSv1_3_client_method(), arguments + 3);
  WOLFSSL_CTX *servers = context(wolfDTLSv1_3_server_method(), arguments + 3);
  static struct queue to_client, to_server;
  struct wire wires[2] = {{&to_client, &to_server}, {&to_server, &to_client}};
  double before = cpu();
  for (int i = 0; i < handshakes; i++) {
    memset(&to_client, 0, 2 * sizeof(int));
    memset(&to_server, 0, 2 * sizeof(int));
    WOLFSSL *client = end(clients, group, &wires[0]), *server = end(servers, group, &wires[1]);
    wolfSSL_disable_hrr_cookie(server);
    wolfSSL_UseKeyShare(client, (word16)group);
    int is_done = 0;
    for (int turn = 0; turn < 100 && !is_done; turn++) {
      int ours = wolfSSL_connect(client), theirs = wolfSSL_accept(server);
      is_done = ours == WOLFSSL_SUCCESS && theirs == WOLFSSL_SUCCESS;
    }
    if (!is_done) {
      fprintf(stderr, "%d %d\n", wolfSSL_get_error(client, -1), wolfSSL_get_error(server, -1));
      return 3;
    }
    wolfSSL_free(client);
    wolfSSL_free(server);
  }
  printf("{\"cpu\":%.3f}\n", (cpu() - before) / handshakes);
  return 0;
}
