/*
 * One direction of libsrtp2.
 *
 *     libsrtp2 protect|unprotect PROFILE KEY [ID...]
 *
 * KEY: master key and salt, in hex digits. ID: of header extensions that are encrypted (RFC 6904). Reads packets, one a line,
 * "rtp HEX" or "rtcp HEX"; prints what becomes of each, in hex digits, or "refused" and the status.
 */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PACKET = 2048, MAX_IDS = 16 };

static int from_hex(const char *text, unsigned char *into, int max)
{
    int length = 0;
    unsigned value;
    while (length < max && sscanf(text + 2 * length, "%2x", &value) == 1) into[length++] = (unsigned char)value;
    return length;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 4 > MAX_IDS) return 2;
    const int protects = strcmp(argv[1], "protect") == 0;
    unsigned char key[SRTP_MAX_KEY_LEN];
    int ids[MAX_IDS];
    srtp_policy_t policy;
    srtp_t session;
    memset(&policy, 0, sizeof policy);
    if (strcmp(argv[2], "AEAD_AES_128_GCM") == 0) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else if (strcmp(argv[2], "AEAD_AES_256_GCM") == 0) {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    } else if (strcmp(argv[2], "AES128_CM_HMAC_SHA1_80") == 0) {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    from_hex(argv[3], key, sizeof key);
    for (int i = 4; i < argc; i++) ids[i - 4] = atoi(argv[i]);
    policy.key = key;
    policy.window_size = 256;
    policy.ssrc.type = protects ? ssrc_any_outbound : ssrc_any_inbound;
    if (argc > 4) {
        policy.enc_xtn_hdr = ids;
        policy.enc_xtn_hdr_count = argc - 4;
    }
    if (srtp_init() != srtp_err_status_ok || srtp_create(&session, &policy) != srtp_err_status_ok) return 1;

    char kind[8];
    static char text[2 * MAX_PACKET + 1];
    static unsigned char packet[MAX_PACKET + SRTP_MAX_TRAILER_LEN];
    while (scanf("%7s %4096s", kind, text) == 2) {
        const int is_rtcp = strcmp(kind, "rtcp") == 0;
        int length = from_hex(text, packet, MAX_PACKET);
        srtp_err_status_t status;
        if (protects)
            status = is_rtcp ? srtp_protect_rtcp(session, packet, &length) : srtp_protect(session, packet, &length);
        else
            status = is_rtcp ? srtp_unprotect_rtcp(session, packet, &length) : srtp_unprotect(session, packet, &length);
        if (status != srtp_err_status_ok) {
            printf("refused %d\n", status);
            continue;
        }
        for (int i = 0; i < length; i++) printf("%02x", packet[i]);
        printf("\n");
    }
    return 0;
}
