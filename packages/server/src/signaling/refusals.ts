import type { ErrorCode } from "@tightbeam/client"

interface Refusal {
  readonly message: string
  readonly hint: string
}

/** What a person is told for each code: what is wrong, and what to do. */
export const REFUSALS: Readonly<Record<ErrorCode, Refusal>> = {
  "bad-message": {
    message: "The server does not understand this message.",
    hint: "Compare it with docs/signaling.md; the client and the server may be of different versions.",
  },
  "too-large": {
    message: "This message is too large.",
    hint: "Send less at once; data between participants goes by data channel.",
  },
  "too-many": {
    message: "Too many messages in a short time.",
    hint: "Wait a moment, then reconnect. Where many share one address, raise `limits` on the server.",
  },
  "too-slow": {
    message: "You do not read what the server sends.",
    hint: "Read the stream without pause; come back to the session on a new one.",
  },
  "unsupported-version": {
    message: "This server speaks another version of the protocol.",
    hint: "Reload the page, or update the SDK to the server's version.",
  },
  "token-invalid": {
    message: "This token was not signed for this server, or is not a token at all.",
    hint: "Sign join tokens with this server's access.secret (tightbeam token makes one to compare with).",
  },
  "token-expired": {
    message: "This token has expired.",
    hint: "Fetch a fresh token for each join, and check that the clocks of both machines are right.",
  },
  "token-foreign": {
    message: "This token is for another room.",
    hint: "Ask for a token for the room that you join.",
  },
  "token-used": {
    message: "This token was used before; each opens one session.",
    hint: "Pass the SDK a function as `token`, which fetches a fresh one for each join.",
  },
  "not-joined": { message: "Join a room first.", hint: "The first message on a socket is join or rejoin." },
  "already-joined": {
    message: "This socket is in a room already.",
    hint: "Open another socket for another room.",
  },
  "not-allowed": {
    message: "Your token does not allow this.",
    hint: "Sign a token with the grant that is missing.",
  },
  "not-host": {
    message: "Only a host of the room may do this.",
    hint: "Ask a host, or sign a token with the grant host.",
  },
  "not-admitted": {
    message: "A host did not let you in.",
    hint: "Ask them by another way whether they meant you.",
  },
  kicked: {
    message: "A host sent you out of the room.",
    hint: "Ask them by another way whether they meant it.",
  },
  "no-such-participant": {
    message: "Nobody of this id is in the room.",
    hint: "They may have just left; take your list from the last message.",
  },
  "session-unknown": {
    message: "This session is over.",
    hint: "The server restarted or waited too long: join again with a fresh token.",
  },
  "room-full": {
    message: "This room is full.",
    hint: "Wait until someone leaves, or raise rooms.maxParticipants on the server.",
  },
  "server-full": {
    message: "This server has as many rooms as it takes.",
    hint: "Try again later, or run a second server.",
  },
  replaced: {
    message: "You joined again from somewhere else.",
    hint: "Close the other window, or go on there.",
  },
  closing: { message: "The server is shutting down.", hint: "Try again in a moment." },
}
