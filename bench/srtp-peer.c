/*
 * libsrtp2 at the work that bench/srtp-packets.ts gives to Tightbeam: protects and unprotects RTP packets of one stream in
 * place, batch by batch, and prints the CPU time of both in nanoseconds.
 *
 *     srtp-peer PROFILE BYTES PACKETS
 *
 * PROFILE: AEAD_AES_128_GCM, AEAD_AES_256_GCM or AES128_CM_HMAC_SHA1_80. BYTES: of a packet before it is protected.
 */
#include <arpa/inet.h>
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 512, WARM_UP = 2 * BATCH, SLOT = 2048, SSRC = 0x01020304 };

static unsigned char slab[BATCH * SLOT];

static void demand(srtp_err_status_t status, const char *what)
{
    if (status == srtp_err_status_ok) return;
    fprintf(stderr, "%s: libsrtp2's status %d\n", what, status);
    exit(1);
}

static void choose(srtp_crypto_policy_t *policy, const char *profile)
{
    if (strcmp(profile, "AEAD_AES_128_GCM") == 0)
        srtp_crypto_policy_set_aes_gcm_128_16_auth(policy);
    else if (strcmp(profile, "AEAD_AES_256_GCM") == 0)
        srtp_crypto_policy_set_aes_gcm_256_16_auth(policy);
    else
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(policy);
}

static uint64_t cpu_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 4) return 2;
    const int bytes = atoi(argv[2]);
    const long packets = atol(argv[3]);
    if (bytes < 12 || bytes > SLOT - SRTP_MAX_TRAILER_LEN) return 2;

    unsigned char key[SRTP_MAX_KEY_LEN];
    memset(key, 7, sizeof key);
    srtp_policy_t policy;
    memset(&policy, 0, sizeof policy);
    choose(&policy.rtp, argv[1]);
    choose(&policy.rtcp, argv[1]);
    policy.key = key;
    policy.window_size = 256;
    srtp_t sender, receiver;
    demand(srtp_init(), "srtp_init");
    policy.ssrc.type = ssrc_any_outbound;
    demand(srtp_create(&sender, &policy), "srtp_create");
    policy.ssrc.type = ssrc_any_inbound;
    demand(srtp_create(&receiver, &policy), "srtp_create");

    uint64_t protecting = 0, unprotecting = 0;
    uint16_t sequence = 0;
    for (long done = -WARM_UP; done < packets; done += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            unsigned char *packet = slab + i * SLOT;
            const uint16_t number = htons(++sequence);
            const uint32_t ssrc = htonl(SSRC);
            packet[0] = 0x80;
            packet[1] = 96;
            memcpy(packet + 2, &number, sizeof number);
            memcpy(packet + 8, &ssrc, sizeof ssrc);
        }
        int lengths[BATCH];
        const uint64_t start = cpu_nanoseconds();
        for (int i = 0; i < BATCH; i++) {
            lengths[i] = bytes;
            demand(srtp_protect(sender, slab + i * SLOT, &lengths[i]), "srtp_protect");
        }
        const uint64_t middle = cpu_nanoseconds();
        for (int i = 0; i < BATCH; i++)
            demand(srtp_unprotect(receiver, slab + i * SLOT, &lengths[i]), "srtp_unprotect");
        const uint64_t end = cpu_nanoseconds();
        if (done < 0) continue;
        protecting += middle - start;
        unprotecting += end - middle;
    }
    printf("%llu %llu\n", (unsigned long long)protecting, (unsigned long long)unprotecting);
    return 0;
}
