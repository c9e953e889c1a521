import { type RefCallback, useCallback } from "react"

/**
 * A ref for a `<video>` or `<audio>` that plays the track: `<video ref={useTrack(track)} autoPlay playsInline muted />`.
 * Without a track the element plays nothing.
 */
export function useTrack(track: MediaStreamTrack | undefined): RefCallback<HTMLMediaElement> {
  return useCallback(
    (element: HTMLMediaElement | null) => {
      if (element !== null) element.srcObject = track === undefined ? null : new MediaStream([track])
    },
    [track],
  )
}
