const UNITS = ["B", "kB", "MB", "GB", "TB"]

/** An amount of bytes for people: "0 B", "640 B", "1.2 MB", "15 MB". */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}
