import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { Child } from "./child.ts"
import { answered, type Target } from "./target.ts"

const SOURCE = resolve(import.meta.dirname, "relay-floor.c")

/** `relay-floor.c`, compiled here and now. What it returns instead says why it cannot be had. */
export async function relayFloor(): Promise<Target | string> {
  const folder = await mkdtemp(join(tmpdir(), "tightbeam-bench-"))
  const remove = () => rm(folder, { recursive: true, force: true })
  const program = join(folder, "relay-floor")
  const { error, status, stderr } = spawnSync("cc", ["-O2", "-o", program, SOURCE], { encoding: "utf8" })
  if (error !== undefined || status !== 0) {
    await remove()
    return error === undefined ? `cc: ${stderr}` : "there is no C compiler (cc) here"
  }
  const child = Child.start(program)
  const stop = async () => {
    await child.stop()
    await remove()
  }
  const [, text] = await child.printed(/^(\d+)\n/)
  const port = Number(text)
  return {
    name: "C floor",
    pid: child.pid,
    port,
    async allocate(socket, peer) {
      const ask = async (peerPort: number): Promise<number> => {
        socket.send(Uint8Array.of(0, 0, peerPort >> 8, peerPort & 0xff), port, "127.0.0.1")
        const [answer] = (await answered(once(socket, "message"), "The C floor")) as [Buffer]
        return answer.readUInt16BE(2)
      }
      const relayed = await ask(peer.port)
      return {
        relayed,
        async free() {
          await ask(0)
        },
      }
    },
    stop,
  }
}
