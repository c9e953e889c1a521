import type { ComponentType } from "preact"
import { useEffect, useState } from "preact/hooks"

const loads: (() => Promise<unknown>)[] = []

/** A component that is loaded when it is first shown: what few people open makes nobody wait. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let Loaded: ComponentType<Props> | undefined
  const once = async (): Promise<void> => {
    Loaded ??= await load()
  }
  loads.push(once)
  return function Lazy(props: Props) {
    const [, redraw] = useState(false)
    useEffect(() => {
      let gone = false
      const show = (): void => {
        if (!gone) redraw(true)
      }
      // It may have come since this was drawn. Where it cannot be loaded now, whoever opens it again tries again.
      once().then(show, () => {})
      return () => {
        gone = true
      }
    }, [])
    return Loaded === undefined ? null : <Loaded {...props} />
  }
}

/** Loads all of them while nobody waits, so that they are there when the server is not. */
export async function loadTheRest(): Promise<void> {
  await Promise.allSettled(loads.map(load => load()))
}
