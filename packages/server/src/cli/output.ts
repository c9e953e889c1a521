import { renderUnicodeCompact } from "uqr"
import type { Config } from "../config/index.ts"
import type { Running } from "../start.ts"

export interface Show {
  /** The QR code even where no terminal is. */
  readonly qr: boolean
  /** The output is a terminal, and may be coloured. */
  readonly terminal: boolean
}

/** What a person reads after `up`. */
export function welcome(running: Running, config: Config, show: Show): string {
  const { localUrl, lanUrl, httpPort, turnPort, metricsPort, dataFolder } = running
  const { tls, turn } = config
  const spoken = [
    "HTTP",
    tls.mode === "off" ? [] : "HTTPS",
    "WebSocket",
    turnPort === undefined ? [] : "TURN",
  ]
  const scheme = spoken.flat().join(", ")
  const ports = turn.relayPorts
  const lines = [
    "",
    ...table([
      ["This computer", localUrl],
      ...(lanUrl === undefined ? [] : [["Others nearby", lanUrl] as const]),
    ]),
    "",
    ...(lanUrl !== undefined && (show.qr || show.terminal) ? [...qrCode(lanUrl, show.terminal), ""] : []),
    ...(lanUrl !== undefined && tls.mode === "auto"
      ? ["  Your phone will warn once: the certificate is self-signed.", ""]
      : []),
    ...(lanUrl !== undefined && tls.mode === "off"
      ? ["  Browsers give camera and microphone to HTTPS pages only: put a TLS proxy in front.", ""]
      : []),
    ...table([
      [scheme, `TCP ${config.http.address} port ${httpPort}`],
      ...(turnPort === undefined
        ? [["STUN, TURN", "off"] as const]
        : [
            ["STUN, TURN", `UDP ${turn.address} port ${turnPort}`] as const,
            ["Relay", `UDP ports ${ports.min}–${ports.max}`] as const,
          ]),
      ...(metricsPort === undefined
        ? []
        : [["Metrics", `TCP ${config.metrics.address} port ${metricsPort}`] as const]),
      ["Data", dataFolder],
    ]),
    ...(running.pages === 0 ? ["", "  The pages have not been built: npm run build"] : []),
    "",
  ]
  return lines.join("\n")
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}   ${value}`)
}

/** Scanners want dark on light, whatever the colours of the terminal are. */
function qrCode(url: string, coloured: boolean): string[] {
  const lines = renderUnicodeCompact(url, { border: 2 }).split("\n")
  return lines.map(line => (coloured ? `  \u001b[38;5;231;48;5;16m${line}\u001b[0m` : `  ${line}`))
}
