/*
 * What the peers in C share: their command line, `name=value` words, and what they say, a line of JSON for each event.
 * ../program.ts says what the names mean.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int words;
static char **word;

/* The value of a name; NULL where it was not given. */
static const char *option(const char *name) {
  size_t length = strlen(name);
  for (int i = 1; i < words; i++)
    if (strncmp(word[i], name, length) == 0 && word[i][length] == '=') return word[i] + length + 1;
  return NULL;
}

static int number(const char *name, int otherwise) {
  const char *text = option(name);
  return text == NULL ? otherwise : atoi(text);
}

static int is_server(void) { return strcmp(option("role"), "server") == 0; }

/* Takes one word after the other off a list with commas; 0 at its end. */
static int next(const char **list, char *into, size_t room) {
  if (*list == NULL || **list == 0) return 0;
  size_t length = strcspn(*list, ",");
  snprintf(into, room, "%.*s", (int)length, *list);
  *list += length + ((*list)[length] == ',');
  return 1;
}

/* Appends to a text of `room` bytes. */
static void append(char *text, size_t room, const char *format, ...) {
  size_t length = strlen(text);
  va_list values;
  va_start(values, format);
  vsnprintf(text + length, room - length, format, values);
  va_end(values);
}

static const char *hex(const unsigned char *bytes, size_t length, char *into) {
  for (size_t i = 0; i < length; i++) sprintf(into + 2 * i, "%02x", bytes[i]);
  into[2 * length] = 0;
  return into;
}

static size_t unhex(const char *text, unsigned char *into) {
  size_t length = strlen(text) / 2;
  for (size_t i = 0; i < length; i++) sscanf(text + 2 * i, "%2hhx", &into[i]);
  return length;
}

static void say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  putchar('\n');
  fflush(stdout);
}

static void fail(const char *why) {
  say("{\"type\":\"failed\",\"why\":\"%s\"}", why);
  exit(1);
}

/* The name of an SRTP profile's keys: how many bytes the exporter gives for both directions. */
static size_t exported_length(const char *profile) {
  if (strstr(profile, "AES_128_GCM")) return 2 * (16 + 12);
  if (strstr(profile, "AES_256_GCM")) return 2 * (32 + 12);
  return 2 * (16 + 14);
}

/* A UDP socket to the other end: the port that it was given, or of whoever speaks first to a port of ours. */
static int open_socket(void) {
  int on_socket = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (is_server()) {
    char first;
    if (bind(on_socket, (void *)&address, length) != 0) fail("bind");
    getsockname(on_socket, (void *)&address, &length);
    say("{\"type\":\"listening\",\"port\":%d}", ntohs(address.sin_port));
    if (recvfrom(on_socket, &first, 1, MSG_PEEK, (void *)&address, &length) < 0) fail("recvfrom");
  } else {
    address.sin_port = htons(number("port", 0));
  }
  if (connect(on_socket, (void *)&address, length) != 0) fail("connect");
  return on_socket;
}

/* What is to be sent back for a message: the same with "echo: " in front. */
static int echo_of(const char *message, int length, char *into) {
  memcpy(into, "echo: ", 6);
  memcpy(into + 6, message, length);
  return length + 6;
}

static void begin(int count, char **values) {
  words = count;
  word = values;
}
