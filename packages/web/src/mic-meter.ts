import { type ReadonlySignal, signal } from "@preact/signals"
import { useEffect, useMemo } from "preact/hooks"
import { hear } from "./loudness.ts"
import { listen, meterShare, SILENT, type Voice } from "./speaking.ts"

export interface Meter {
  /** How far the meter is filled, 0–1. */
  readonly share: ReadonlySignal<number>
  readonly speaking: ReadonlySignal<boolean>
  /** It has heard something since it was made. */
  readonly heard: ReadonlySignal<boolean>
}

/** Listens to a track while the component that asks is there. */
export function useMeter(track: MediaStreamTrack | undefined): Meter {
  const meter = useMemo(() => ({ share: signal(0), speaking: signal(false), heard: signal(false) }), [track])
  useEffect(() => {
    if (track === undefined) return undefined
    let voice: Voice = SILENT
    const stop = hear(track, (loudness, now) => {
      voice = listen(voice, loudness, now)
      meter.share.value = meterShare(loudness)
      meter.speaking.value = voice.speaking
      if (voice.speaking) meter.heard.value = true
    })
    return stop
  }, [track, meter])
  return meter
}
