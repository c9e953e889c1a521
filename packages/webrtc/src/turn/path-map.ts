import type { Path } from "../contract/index.ts"

/**
 * What is known about paths, looked up by number alone. For paths that are held: others are recycled
 * and would mean somebody else.
 */
export class PathMap<Value> {
  readonly #values: (Value | undefined)[] = []

  get(path: Path): Value | undefined {
    return this.#values[path]
  }

  set(path: Path, value: Value): void {
    // Without holes, so that the engine keeps it a flat array.
    while (path >= this.#values.length) this.#values.push(undefined)
    this.#values[path] = value
  }

  delete(path: Path): void {
    this.#values[path] = undefined
  }
}
