/** Networks between the server and its people, made of Linux namespaces: cables that are pulled, firewalls. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** `npm test` runs these in a network namespace of their own; elsewhere the machine's network is not ours to change. */
export const noNetworks: string | false =
  process.env.TIGHTBEAM_OWN_NETWORK === "1" ? false : "no network namespace can be made here"

const ip = (...args: string[]): void => void execFileSync("ip", args)

let made = 0

/** A switch that places are plugged into. Its own address, `at`, is the server's. */
export class Network {
  /** Not from a range for private or special use: the relay would refuse those. */
  readonly at = "5.5.5.1"
  readonly #bridge: string
  readonly #places: Place[] = []

  constructor() {
    this.#bridge = `net${made++}`
    ip("link", "add", this.#bridge, "type", "bridge")
    ip("address", "add", `${this.at}/24`, "dev", this.#bridge)
    ip("link", "set", this.#bridge, "up")
  }

  /** Somewhere a browser runs, plugged in at this address. */
  async place(address: string): Promise<Place> {
    const place = await Place.make(this.#bridge, address)
    this.#places.push(place)
    return place
  }

  close(): void {
    for (const place of this.#places) place.close()
    ip("link", "delete", this.#bridge)
  }
}

export class Place {
  /** Runs Chromium there. */
  readonly chromium: string
  readonly #folder: string
  readonly #holder: ChildProcess
  readonly #cable: string

  private constructor(holder: ChildProcess, cable: string) {
    this.#holder = holder
    this.#cable = cable
    this.#folder = mkdtempSync(join(tmpdir(), "tightbeam-place-"))
    this.chromium = join(this.#folder, "chromium")
    const chromium = process.env.CHROMIUM ?? "chromium"
    writeFileSync(this.chromium, `#!/bin/sh\nexec nsenter --target ${holder.pid} --net ${chromium} "$@"\n`)
    chmodSync(this.chromium, 0o755)
  }

  static async make(bridge: string, address: string): Promise<Place> {
    // It ends with its standard input, so with us.
    const holder = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    })
    await once(holder.stdout, "data")
    const cable = `cable${made++}`
    ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", String(holder.pid))
    ip("link", "set", cable, "master", bridge)
    const place = new Place(holder, cable)
    place.#run("ip", "link", "set", "lo", "up")
    // An IPv6 address that comes by itself, seconds later, is a change of network to Chromium, which then aborts
    // whatever it is loading.
    place.#run("ip", "link", "set", "eth0", "addrgenmode", "none")
    place.plug(address)
    return place
  }

  /** Pulls the cable. */
  unplug(): void {
    ip("link", "set", this.#cable, "down")
    this.#run("ip", "address", "flush", "dev", "eth0")
    this.#run("ip", "link", "set", "eth0", "down")
  }

  plug(address: string): void {
    ip("link", "set", this.#cable, "up")
    this.#run("ip", "link", "set", "eth0", "up")
    this.#run("ip", "address", "add", `${address}/24`, "dev", "eth0")
    this.#run("ip", "route", "add", "default", "dev", "eth0")
  }

  /** A firewall that swallows every UDP packet, and says nothing. */
  blockUdp(): void {
    this.#run("nft", "add table inet firewall")
    for (const hook of ["input", "output"]) {
      this.#run("nft", `add chain inet firewall ${hook} { type filter hook ${hook} priority 0; }`)
      this.#run(
        "nft",
        `add rule inet firewall ${hook} ${hook === "input" ? "iifname" : "oifname"} eth0 meta l4proto udp drop`,
      )
    }
  }

  close(): void {
    this.#holder.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #run(command: string, ...args: string[]): void {
    execFileSync("nsenter", ["--target", String(this.#holder.pid), "--net", command, ...args])
  }
}
