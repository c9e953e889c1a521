/* An ICE agent of libnice that says what it has and hears what the other has as lines of JSON, and echoes data.
 * Compile: cc libnice-peer.c $(pkg-config --cflags --libs nice) */
#include <agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static guint stream;
static GMainLoop *loop;

static void fail(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

/* The string that follows "name":" in a line of JSON without escapes. */
static char *text_of(const char *line, const char *name) {
  char *key = g_strdup_printf("\"%s\":\"", name);
  const char *at = strstr(line, key);
  if (at == NULL) fail("a field is missing");
  at += strlen(key);
  g_free(key);
  return g_strndup(at, strcspn(at, "\""));
}

static void gathered(NiceAgent *agent, guint id, gpointer data) {
  gchar *ufrag, *pwd;
  nice_agent_get_local_credentials(agent, id, &ufrag, &pwd);
  printf("{\"type\":\"local\",\"ufrag\":\"%s\",\"pwd\":\"%s\",\"options\":[],\"candidates\":[", ufrag, pwd);
  GSList *all = nice_agent_get_local_candidates(agent, id, 1);
  gboolean is_first = TRUE;
  for (GSList *each = all; each != NULL; each = each->next) {
    gchar *sdp = nice_agent_generate_local_candidate_sdp(agent, each->data);
    printf("%s\"%s\"", is_first ? "" : ",", sdp + strlen("a="));
    is_first = FALSE;
  }
  printf("]}\n");
  fflush(stdout);
}

static void changed(NiceAgent *agent, guint id, guint component, guint state, gpointer data) {
  if (state == NICE_COMPONENT_STATE_READY) {
    printf("{\"type\":\"connected\"}\n");
    fflush(stdout);
  }
  if (state == NICE_COMPONENT_STATE_FAILED) fail("failed");
}

static void heard(NiceAgent *agent, guint id, guint component, guint length, gchar *bytes, gpointer data) {
  gchar answer[2048] = "echo: ";
  if (length > sizeof answer - 6) return;
  memcpy(answer + 6, bytes, length);
  nice_agent_send(agent, id, component, length + 6, answer);
}

static gboolean told(GIOChannel *input, GIOCondition condition, gpointer data) {
  NiceAgent *agent = data;
  gchar *line;
  if (g_io_channel_read_line(input, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) return FALSE;
  nice_agent_set_remote_credentials(agent, stream, text_of(line, "ufrag"), text_of(line, "pwd"));
  GSList *all = NULL;
  for (const char *at = strstr(line, "\"candidate:"); at != NULL; at = strstr(at + 1, "\"candidate:")) {
    gchar *sdp = g_strndup(at + 1, strcspn(at + 1, "\""));
    gchar *attribute = g_strdup_printf("a=%s", sdp);
    NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream, attribute);
    if (candidate != NULL) all = g_slist_append(all, candidate);
  }
  nice_agent_set_remote_candidates(agent, stream, 1, all);
  return TRUE;
}

int main(int count, char **arguments) {
  loop = g_main_loop_new(NULL, FALSE);
  NiceAgent *agent = nice_agent_new_full(NULL, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
  g_object_set(agent, "controlling-mode", strcmp(arguments[1], "controlling") == 0, "upnp", FALSE, NULL);
  g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(gathered), NULL);
  g_signal_connect(agent, "component-state-changed", G_CALLBACK(changed), NULL);
  stream = nice_agent_add_stream(agent, 1);
  nice_agent_set_stream_name(agent, stream, "application");
  nice_agent_attach_recv(agent, stream, 1, NULL, heard, NULL);
  if (!nice_agent_gather_candidates(agent, stream)) fail("cannot gather");
  g_io_add_watch(g_io_channel_unix_new(0), G_IO_IN, told, agent);
  g_main_loop_run(loop);
  return 0;
}
