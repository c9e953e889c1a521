/** Why nothing was started: what is wrong, and lines that say what to do. */
export class StartError extends Error {
  override readonly name = "StartError"
  readonly hints: readonly string[]

  constructor(message: string, hints: readonly string[], options?: ErrorOptions) {
    super(message, options)
    this.hints = hints
  }
}

/** A port that could not be had, in words. `key` is the section of the configuration. */
export function portError(
  protocol: "TCP" | "UDP",
  key: "http" | "turn" | "turn.second" | "metrics",
  { address, port }: { readonly address: string; readonly port: number },
  error: NodeJS.ErrnoException,
): StartError {
  const env = `TIGHTBEAM__${key.toUpperCase().replace(".", "__")}`
  const another = `Another port:  --${key}.port ${port + 1}, or ${env}__PORT=${port + 1}, or ${key}.port in tightbeam.yaml`
  switch (error.code) {
    case "EADDRINUSE": {
      const [ss, lsof] = protocol === "TCP" ? ["-ltnp", "TCP"] : ["-lunp", "UDP"]
      return new StartError(
        `${protocol} port ${port} is in use by another process.`,
        [`Who it is:     ss ${ss} 'sport = :${port}'   (macOS: lsof -nP -i ${lsof}:${port})`, another],
        { cause: error },
      )
    }
    case "EACCES":
      return new StartError(
        `This user may not listen on ${protocol} port ${port}.`,
        [another, "Ports below 1024 need a privilege: on Linux, CAP_NET_BIND_SERVICE"],
        { cause: error },
      )
    case "EADDRNOTAVAIL":
      return new StartError(
        `${address} is not an address of this machine.`,
        [
          `Another one:   --${key}.address ${key === "turn.second" ? "192.0.2.1" : "0.0.0.0"}, or ${env}__ADDRESS, or ${key}.address in tightbeam.yaml`,
        ],
        { cause: error },
      )
    default:
      return new StartError(`${protocol} ${address} port ${port}: ${error.message}`, [another], {
        cause: error,
      })
  }
}
