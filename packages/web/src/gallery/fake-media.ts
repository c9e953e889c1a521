import type { MediaSource } from "../devices.ts"

/** Colours of made-up rooms and the people in them: wall, jumper, skin, hair. */
const PEOPLE = [
  ["#b9c4bd", "#2f4a3c", "#d9a98b", "#2b211c"],
  ["#cfc3b4", "#5a3a2e", "#8d5a3f", "#1a1412"],
  ["#aebbc6", "#c9b458", "#f0c7ae", "#8c4b2a"],
  ["#c5bccb", "#3d3f5e", "#b97d5b", "#3a2a24"],
  ["#a9bdb0", "#e9e4da", "#e3b597", "#d9b36b"],
  ["#c9c9bb", "#7b3240", "#6e4632", "#0f0d0c"],
] as const

/** A picture of somebody, slightly moving, as a camera would send it. */
export function fakeCamera(who: number, width = 960, height = 540): MediaStreamTrack {
  const canvas = document.createElement("canvas")
  canvas.width = width
  canvas.height = height
  const draw = (): void => paint(canvas, who)
  draw()
  repaint(draw, 250)
  return canvas.captureStream(4).getVideoTracks()[0]!
}

/** Draws again and again; where no motion is wanted, only until the scene is there. */
function repaint(draw: () => void, every: number): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches
  const timer = setInterval(() => {
    draw()
    if (still && document.documentElement.dataset.ready) clearInterval(timer)
  }, every)
}

function paint(canvas: HTMLCanvasElement, who: number): void {
  const { width, height } = canvas
  const pen = canvas.getContext("2d")!
  const [wall, jumper, skin, hair] = PEOPLE[who % PEOPLE.length]!
  const light = pen.createLinearGradient(0, 0, width, height)
  light.addColorStop(0, wall)
  light.addColorStop(1, "#6d746f")
  pen.fillStyle = light
  pen.fillRect(0, 0, width, height)
  pen.fillStyle = "rgb(255 255 255 / 0.25)"
  pen.fillRect(width * 0.08 + who * 23, 0, width * 0.14, height * 0.55)
  const unit = Math.min(width, height)
  const x = width / 2 + Math.sin(performance.now() / 900 + who) * unit * 0.01
  const y = height * 0.44
  disc(pen, jumper, x, height * 1.06, unit * 0.42, unit * 0.4)
  disc(pen, skin, x, y + unit * 0.2, unit * 0.075, unit * 0.14)
  disc(pen, hair, x, y - unit * 0.03, unit * 0.185, unit * 0.225)
  disc(pen, skin, x, y + unit * 0.02, unit * 0.15, unit * 0.19)
  disc(pen, hair, x, y - unit * 0.14, unit * 0.15, unit * 0.08)
}

function disc(
  pen: CanvasRenderingContext2D,
  colour: string,
  x: number,
  y: number,
  rx: number,
  ry: number,
): void {
  pen.fillStyle = colour
  pen.beginPath()
  pen.ellipse(x, y, rx, ry, 0, 0, 7)
  pen.fill()
}

/** A slide, as somebody would share it. */
export function fakeScreen(): MediaStreamTrack {
  const canvas = document.createElement("canvas")
  canvas.width = 1600
  canvas.height = 1000
  const draw = (): void => {
    const pen = canvas.getContext("2d")!
    pen.fillStyle = "#f7f8f5"
    pen.fillRect(0, 0, 1600, 1000)
    pen.fillStyle = "#131614"
    pen.font = "600 64px sans-serif"
    pen.fillText("Release plan", 120, 180)
    pen.font = "32px sans-serif"
    pen.fillStyle = "#535a54"
    for (const [i, line] of ["Calls that just work", "Over any network", "And a reason when not"].entries())
      pen.fillText(line, 120, 280 + i * 64)
    pen.fillStyle = "#0f9d4f"
    for (let i = 0; i < 12; i++) pen.fillRect(120 + i * 110, 880 - i * i * 2.6, 72, i * i * 2.6 + 8)
  }
  draw()
  repaint(draw, 500)
  return canvas.captureStream(2).getVideoTracks()[0]!
}

let audio: AudioContext | undefined

/** A tone that comes and goes like speech, or silence. */
export function fakeMicrophone(loud: boolean): MediaStreamTrack {
  audio ??= new AudioContext()
  const out = audio.createMediaStreamDestination()
  if (loud) {
    const tone = audio.createOscillator()
    const volume = audio.createGain()
    volume.gain.value = 0.2
    tone.frequency.value = 180
    tone.connect(volume).connect(out)
    tone.start()
  }
  return out.stream.getAudioTracks()[0]!
}

const DEVICES = [
  { kind: "audioinput", deviceId: "m1", label: "MacBook Pro Microphone" },
  {
    kind: "audioinput",
    deviceId: "m2",
    label: "Jabra Evolve2 65 (Bluetooth, a name that goes on for quite a while)",
  },
  { kind: "videoinput", deviceId: "c1", label: "FaceTime HD Camera" },
] as const

/** Devices that work, or that fail in one way. */
export function fakeMedia(
  fails?: string,
  devices: readonly (typeof DEVICES)[number][] = DEVICES,
): MediaSource {
  const source = new EventTarget() as EventTarget & { -readonly [K in keyof MediaSource]: MediaSource[K] }
  source.enumerateDevices = () =>
    Promise.resolve(
      devices.map(device => ({ ...device, groupId: "", toJSON: () => device })) as MediaDeviceInfo[],
    )
  const from = (track: MediaStreamTrack, deviceId: string): MediaStreamTrack =>
    Object.assign(track, { getSettings: () => ({ deviceId }) })
  source.getUserMedia = constraints => {
    if (fails === "asking") return new Promise(() => {})
    if (fails !== undefined) return Promise.reject(new DOMException("made up", fails))
    const stream = new MediaStream()
    if (constraints?.video) stream.addTrack(from(fakeCamera(0, 1280, 720), "c1"))
    if (constraints?.audio) stream.addTrack(from(fakeMicrophone(true), "m1"))
    return Promise.resolve(stream)
  }
  return source
}
