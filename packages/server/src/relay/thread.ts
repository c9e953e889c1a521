/** A thread of the relay: one shard, on an event loop of the thread's own. */
import { parentPort, workerData } from "node:worker_threads"
import { chooseIo, ListenError } from "@tightbeam/webrtc/net"
import { errorText } from "../log/index.ts"
import { Shard } from "./shard.ts"
import type { Command, News, Report, ThreadData } from "./thread-protocol.ts"

/** What is told is told together, after so many ms: to tell costs more than to allocate. */
const TELLING = 5

const port = parentPort!
const { settings } = workerData as ThreadData
const { createLoop } = chooseIo("auto")
if (createLoop === undefined) throw new Error("A thread of its own needs the batched form of UDP.")
const loop = createLoop()
loop.start()

let news: News[] = []
const say = (report: Report): void => port.postMessage(report)

function tell(item: News): void {
  if (news.length === 0) loop.set(flush, TELLING)
  news.push(item)
}

function flush(): void {
  if (news.length === 0) return
  say({ type: "told", news })
  news = []
}

try {
  const shard = await Shard.start(
    settings,
    {
      event: (event, now) => tell({ event, now }),
      evidence: (evidence, now) => tell({ evidence, now }),
      fault: (error, during) => tell({ fault: errorText(error), during }),
    },
    { createIo: loop.createIo, clock: loop },
  )
  port.on("message", (command: Command) => void obey(shard, command))
  say({ type: "started", listen: shard.listen!, signalFd: loop.signalFd })
} catch (error) {
  const refused = error instanceof ListenError ? { code: error.code, local: error.local } : undefined
  say({ type: "not-started", message: (error as Error).message, refused })
  end()
}

async function obey(shard: Shard, command: Command): Promise<void> {
  if (command.type === "revoke") shard.revoke(command.user, command.until)
  else if (command.type === "read") {
    // What has ended is told before what lives: together they are all.
    flush()
    say({ type: "reading", id: command.id, reading: shard[command.what]() })
  } else if (command.type === "drain")
    shard.drain(command.alternates, () => {
      flush()
      say({ type: "empty" })
    })
  else {
    await shard.close()
    flush()
    end()
  }
}

function end(): void {
  loop.stop()
  port.close()
}
