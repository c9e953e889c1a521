/** Loudness of tracks, ten times a second, through one AudioContext and one timer for all of them. */
const EVERY = 100

interface Ear {
  readonly analyser: AnalyserNode
  readonly samples: Float32Array<ArrayBuffer>
  readonly tell: (loudness: number, now: number) => void
}

let context: AudioContext | undefined
let timer: ReturnType<typeof setInterval> | undefined
const ears = new Set<Ear>()

/** Calls `tell` with the RMS (0–1) of a track until the returned function is called. */
export function hear(track: MediaStreamTrack, tell: Ear["tell"]): () => void {
  if (typeof AudioContext === "undefined") return () => {}
  context ??= new AudioContext()
  wake()
  const source = context.createMediaStreamSource(new MediaStream([track]))
  const analyser = context.createAnalyser()
  analyser.fftSize = 512
  source.connect(analyser)
  const ear: Ear = { analyser, samples: new Float32Array(analyser.fftSize), tell }
  ears.add(ear)
  timer ??= setInterval(listenToAll, EVERY)
  return () => {
    ears.delete(ear)
    source.disconnect()
    if (ears.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** A context made before the first click sleeps until somebody acts on the page. */
export function wake(): void {
  if (context?.state === "suspended") context.resume().catch(() => {})
}

function listenToAll(): void {
  const now = performance.now()
  for (const { analyser, samples, tell } of ears) {
    analyser.getFloatTimeDomainData(samples)
    let sum = 0
    for (const sample of samples) sum += sample * sample
    tell(Math.sqrt(sum / samples.length), now)
  }
}
