import { useEffect, useRef, useState } from "preact/hooks"

interface VideoProps {
  track: MediaStreamTrack
  mirrored?: boolean
  /** All of it, with bars, rather than a filled frame. */
  whole?: boolean
}

/** Below this share of the picture, filling the frame would cut away too much. */
const CUT_AT_MOST = 0.4

/** A picture without sound. Fills its frame, unless that would cut most of it away. */
export function TrackVideo({ track, mirrored = false, whole = false }: VideoProps) {
  const video = useRef<HTMLVideoElement>(null)
  const [cutsTooMuch, setCutsTooMuch] = useState(false)
  useEffect(() => {
    const element = video.current!
    element.muted = true
    element.srcObject = new MediaStream([track])
    element.play().catch(() => {})
    const measure = (): void => {
      const picture = element.videoWidth / element.videoHeight
      const frame = element.clientWidth / element.clientHeight
      if (picture > 0 && frame > 0) setCutsTooMuch(Math.min(picture / frame, frame / picture) < CUT_AT_MOST)
    }
    const watching = new ResizeObserver(measure)
    watching.observe(element)
    element.addEventListener("resize", measure)
    return () => {
      watching.disconnect()
      element.removeEventListener("resize", measure)
      element.srcObject = null
    }
  }, [track])
  return (
    <video
      ref={video}
      class="video"
      data-testid="tile-video"
      data-mirrored={mirrored}
      data-fit={whole || cutsTooMuch ? "contain" : "cover"}
      playsInline
      autoPlay
      muted
    />
  )
}

/** Sound without a picture. `onBlocked`: the browser wants a click before it plays. */
export function TrackAudio({
  track,
  unlocked,
  onBlocked,
}: {
  track: MediaStreamTrack
  /** Rises when the person has clicked: plays again. */
  unlocked: number
  onBlocked: () => void
}) {
  const audio = useRef<HTMLAudioElement>(null)
  useEffect(() => {
    const element = audio.current!
    element.srcObject = new MediaStream([track])
    return () => {
      element.srcObject = null
    }
  }, [track])
  useEffect(() => {
    audio.current!.play().catch((error: unknown) => {
      if (error instanceof Error && error.name === "NotAllowedError") onBlocked()
    })
  }, [track, unlocked, onBlocked])
  return <audio ref={audio} />
}
