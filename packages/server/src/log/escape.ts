/**
 * Characters that text of strangers must not bring into a log or onto a terminal: controls (newlines and
 * escapes among them), line separators, what reorders or hides text (bidi controls, zero-width, tags),
 * and halves of surrogate pairs.
 */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- they are what this is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu

/** Longer texts are cut: a log line is no place to fill a disk from. */
const LONGEST = 1_000

/** Makes any text safe to show on one line: what is unsafe becomes `\u{…}`. */
export function escapeText(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
  return cut.replace(UNSAFE, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
