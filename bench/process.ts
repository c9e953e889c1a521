import { readdirSync, readFileSync } from "node:fs"

/**
 * CPU time of a process so far, all its threads that still run, ms. To the nanosecond, by the scheduler: the ticks of
 * /proc/PID/stat miss most of what wakes often and works shortly.
 */
export function cpuMs(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0])
  return nanoseconds / 1e6
}

/** What of a process is in memory, bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!
  return Number(kilobytes) * 1024
}
