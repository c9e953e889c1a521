export const HELP = `tightbeam: signaling, STUN, TURN and the pages of a call, in one process

  tightbeam up                          start everything, until SIGINT or SIGTERM
      --qr                              print the QR code even where no terminal is
  tightbeam token --room ROOM           print a signed token to join a room
      --ttl 1h                          how long it can be used: 90s, 15m, 1h, 7d (default 1h)
      --no-publish                      the bearer may see and hear, not send
      --host                            the bearer may lock the room, let people in and send them out
      --url                             print a link to the room with the token in it
  tightbeam config                      print the effective configuration, and where each value came from
      --schema                          print the JSON Schema of the configuration file
  tightbeam relay cost                  what each room cost the relay of the server that runs, who relays, over what
      --json                            as JSON
  tightbeam help
  tightbeam --version

Every command takes the configuration, each over the one before:
  --config FILE                         a YAML file; ./tightbeam.yaml is read when it is there
  TIGHTBEAM__SECTION__KEY=VALUE         the environment
  --section.key VALUE                   flags; --port is short for --http.port
docs/configuration.md lists every key.

Exit codes: 0 done, 1 could not start, 2 wrong configuration or command line, 130 ended by a second signal.
`
