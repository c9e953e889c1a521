import { effect } from "@preact/signals"
import { type RemoteParticipant, type RoomState, TightbeamError, type Timeline } from "@tightbeam/client"
import type { Quality } from "../quality.ts"
import { type Brought, RoomStore } from "../room-store.ts"
import { everyFileCard } from "./fake-desk.ts"
import { fakeCamera, fakeMicrophone, fakeScreen } from "./fake-media.ts"
import { FakeRoom } from "./fake-room.ts"
import { RELAYED, timelineAt } from "./fake-timeline.ts"

interface Person {
  readonly name: string
  readonly camera?: boolean
  readonly muted?: boolean
  readonly loud?: boolean
  readonly screen?: boolean
  readonly upright?: boolean
  readonly away?: boolean
  readonly host?: boolean
  readonly hand?: number
  readonly timeline?: Timeline
}

let people = 0

function person(who: Person): RemoteParticipant {
  const id = `p${++people}`
  const video = (source: "camera" | "screen", track: MediaStreamTrack) =>
    ({ id: `${id}-${source}`, kind: "video", source, muted: false, participant: id, track }) as const
  const size = who.upright ? ([540, 960] as const) : ([960, 540] as const)
  return {
    id,
    name: who.name,
    away: who.away ?? false,
    host: who.host ?? false,
    hand: who.hand ?? null,
    publications: [
      {
        id: `${id}-microphone`,
        kind: "audio",
        source: "microphone",
        muted: who.muted ?? false,
        participant: id,
        track: fakeMicrophone(who.loud ?? false),
      },
      ...(who.camera === false ? [] : [video("camera", fakeCamera(people, ...size))]),
      ...(who.screen ? [video("screen", fakeScreen())] : []),
    ],
    timeline: who.timeline ?? timelineAt(id, "end"),
  }
}

const relayed: Timeline = { ...timelineAt("x", "end"), path: RELAYED }
const FIVE: readonly Person[] = [
  { name: "Ben Okafor", loud: true },
  { name: "Grace Hopper-Montgomery of the Very Long Name That Never Ends 64", muted: true },
  { name: "نور الهدى", camera: false },
  { name: "Zoë 👩🏽‍🚀", timeline: relayed },
]

/** A call with these people in it, and something done to it. */
async function call(
  who: readonly Person[],
  then?: (store: RoomStore, room: FakeRoom) => void,
): Promise<RoomStore> {
  people = 0
  const room = new FakeRoom({ state: { status: "connecting" } })
  const store = new RoomStore(room, "standup")
  if (who.some(({ loud }) => loud)) awaitFloor(store)
  await store.bring({ camera: fakeCamera(0), microphone: fakeMicrophone(false), microphoneOn: true })
  await store.join("Ada Lovelace")
  for (const one of who) room.arrive(person(one))
  then?.(store, room)
  return store
}

const state = (change: RoomState) => (_: RoomStore, room: FakeRoom) => room.set({ state: change })

const lost = new TightbeamError(
  "connection-lost",
  "The connection to the server is lost.",
  "It is tried again by itself.",
)

function chatter(store: RoomStore, room: FakeRoom): void {
  const [ben, grace] = room.snapshot().participants
  const say = (from: string, text: string): void =>
    room.emit("message", { topic: "chat", data: { text }, from })
  say(ben!.id, "Morning! Can everybody see the release plan?")
  say(
    ben!.id,
    "It is at https://example.com/plans/a-rather-long-address-that-has-to-break-somewhere/release-2026",
  )
  void store.say("Yes. Two questions:\n1. Who owns the relay?\n2. When do we freeze?")
  if (grace) say(grace.id, "I do. <b>Not bold</b>, and Thursday.")
  say(ben!.id, "مرحبا بالجميع 👋")
}

const failedChecks: Timeline = timelineAt(
  "x",
  "checks",
  "failed",
  "No pair of addresses answered in 15 s. A firewall between you blocks UDP, and no relay was offered.",
)

const fair: Quality = {
  grade: "fair",
  reasons: [
    "Ben Okafor’s uplink loses 6 % of packets.",
    "Relayed over TCP: delays add up. A network on the way blocks UDP.",
  ],
  facts: [
    ["Round trip", "142 ms"],
    ["Lost on the way here", "6.2 %"],
    ["Jitter", "18 ms"],
    ["Picture received", "640 × 360, 24 a second"],
  ],
}
const GRADED: readonly Quality[] = [
  fair,
  { grade: "good", reasons: [], facts: fair.facts },
  { grade: "poor", reasons: ["Your device is too slow to show every picture."], facts: [] },
  { grade: "lost", reasons: ["Nothing has arrived from Zoë for some seconds."], facts: [] },
]

/** What the store would have measured, kept over what it does measure here: nothing. */
function graded(store: RoomStore): void {
  const found = new Map(
    store.snapshot.value.participants.map(({ id }, i) => [id, GRADED[i % GRADED.length]!]),
  )
  store.qualities.value = found
  store.qualities.subscribe(now => {
    if (now !== found) store.qualities.value = found
  })
}

/** What scenes have yet to do. */
let undone = 0

/** Whether every scene has done what it does once it is drawn. */
export const isPlayed = (): boolean => undone === 0

/** Scenes in which somebody speaks and has not been heard yet. */
let unheard = 0

/** Whether whoever speaks has the floor: it moves tiles. Where the browser plays no sound that is never. */
export const isHeard = (): boolean => unheard === 0

function awaitFloor({ voices }: RoomStore): void {
  unheard++
  const stop = effect(() => {
    if (voices.floor.value === undefined) return
    unheard--
    queueMicrotask(() => stop())
  })
}

/** How long after something is drawn it also listens, ms. */
const LISTENS = 100

/** Acts on an element once it is there. */
function onceThere(selector: string, act: (element: HTMLElement) => void): void {
  undone++
  const timer = setInterval(() => {
    const element = document.querySelector<HTMLElement>(selector)
    if (element === null) return
    clearInterval(timer)
    setTimeout(() => {
      act(element)
      undone--
    }, LISTENS)
  }, 50)
}

/** Acts, again and again, until that shows something: what listens may still be loading. */
function until(shown: string, act: () => void): void {
  undone++
  const timer = setInterval(() => {
    if (document.querySelector(shown) === null) return act()
    clearInterval(timer)
    undone--
  }, LISTENS)
}

/** Opens what a click on the button would. */
const opened = (testid: string) => (): void =>
  onceThere(`[data-testid="${testid}"]`, button => button.click())

function captioned(store: RoomStore): void {
  store.view.captions.value = true
  const [ben, grace] = store.snapshot.value.participants
  const say = (): void => {
    store.captions.hear(
      ben!.id,
      ben!.name,
      { text: "So the relay is only asked when nothing else answers.", final: true },
      performance.now(),
    )
    store.captions.hear(
      grace!.id,
      grace!.name,
      { text: "And what does it cost us when", final: false },
      performance.now(),
    )
  }
  say()
  setInterval(say, 3_000)
}

async function waiting(bring: Brought): Promise<RoomStore> {
  const store = new RoomStore(new FakeRoom({ state: { status: "waiting" }, self: undefined }), "standup")
  await store.bring(bring)
  return store
}

/** Before the door. */
export const WAITING = {
  waiting: () => waiting({ camera: fakeCamera(0), microphone: fakeMicrophone(false), microphoneOn: true }),
  "waiting-without": () => waiting({ camera: undefined, microphone: undefined, microphoneOn: false }),
} as const

/** Makes oneself a host of a locked room, at whose door these wait. */
const hosting =
  (...names: readonly string[]) =>
  (store: RoomStore, room: FakeRoom): void => {
    const self = store.snapshot.value.self!
    room.set({
      self: { ...self, host: true },
      lobby: { locked: true, waiting: names.map((name, i) => ({ id: `w${i}`, name })) },
    })
  }

function handsUp(_: RoomStore, room: FakeRoom): void {
  const { participants } = room.snapshot()
  room.set({
    participants: participants.map((each, i) => (i === 1 || i === 3 ? { ...each, hand: 10 - i } : each)),
  })
  room.raiseHand(true)
}

/** Calls by name. */
export const CALLS: Readonly<Record<string, () => Promise<RoomStore>>> = {
  "call-joining": () => {
    const room = new FakeRoom({
      state: { status: "connecting" },
      self: undefined,
      signaling: { startedAt: performance.now() - 400, endedAt: undefined },
    })
    return Promise.resolve(new RoomStore(room, "standup"))
  },
  "call-alone": () => call([]),
  "call-connecting": () =>
    call([
      {
        name: "Ben Okafor",
        camera: false,
        timeline: timelineAt("x", "checks", "active", "a pair of candidates that answers"),
      },
    ]),
  "call-slow": () =>
    call(
      [
        {
          name: "Ben Okafor",
          camera: false,
          timeline: timelineAt("x", "checks", "active", "a pair of candidates that answers", 6_400),
        },
      ],
      store => store.show("timeline"),
    ),
  "call-2": () => call([{ name: "Ben Okafor", loud: true }]),
  "call-2-upright": () => call([{ name: "Ben Okafor", upright: true }]),
  "call-3": () => call(FIVE.slice(0, 2)),
  "call-5": () => call(FIVE),
  "call-12": () => call([...FIVE, ...FIVE, ...FIVE.slice(0, 3)]),
  "call-screen": () => call([{ name: "Ben Okafor", screen: true, loud: true }, ...FIVE.slice(1)]),
  "call-screens": () =>
    call([{ name: "Ben Okafor", screen: true }, FIVE[1]!, { name: "Zoë 👩🏽‍🚀", screen: true }, FIVE[2]!]),
  "call-pinned": () => call(FIVE, store => store.pin(store.snapshot.value.participants[1])),
  "call-floor": () => call([...FIVE, ...FIVE, { name: "Ada Two", loud: true }]),
  "call-quality": () => call(FIVE, store => (graded(store), opened("quality")())),
  "call-menu": () => call(FIVE, opened("more")),
  "call-tile-menu": () => call(FIVE.slice(0, 2), opened("tile-menu")),
  "call-hands": () => call(FIVE, handsUp),
  "call-host": () => call(FIVE.slice(0, 2), hosting("Zoë 👩🏽‍🚀")),
  "call-host-many": () =>
    call(FIVE.slice(0, 2), hosting("Zoë 👩🏽‍🚀", "نور الهدى", FIVE[1]!.name, "Guest", "Guest")),
  "call-host-menu": () =>
    call(FIVE, (store, room) => {
      hosting()(store, room)
      opened("more")()
    }),
  "call-kick": () =>
    call(FIVE.slice(0, 2), (store, room) => {
      hosting()(store, room)
      store.kicking.value = store.snapshot.value.participants[1]
    }),
  "call-devices": () =>
    call(FIVE.slice(0, 2), () => onceThere(".tile-button[aria-label=Devices]", button => button.click())),
  "call-gone": () =>
    call(
      [{ name: "Ben Okafor", camera: false, timeline: failedChecks }],
      state({ status: "reconnecting", retryAt: performance.now() + 20_000, reason: lost }),
    ),
  "call-offline": () =>
    call(
      FIVE.slice(0, 2),
      state({ status: "reconnecting", retryAt: performance.now() + 20_000, reason: lost }),
    ),
  "call-captions": () => call(FIVE.slice(0, 2), captioned),
  "call-audio-only": () =>
    call(
      FIVE.map(who => ({ ...who, camera: false })),
      store => store.setAudioOnly(true),
    ),
  "call-help": () =>
    call(FIVE.slice(0, 2), () =>
      until("dialog[open]", () =>
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true })),
      ),
    ),
  "call-sharing": () => call(FIVE.slice(0, 2), store => void store.toggle("screen")),
  "call-chat": () =>
    call(FIVE, (store, room) => {
      store.show("chat")
      chatter(store, room)
    }),
  "call-files": () =>
    call(FIVE, store => {
      store.show("chat")
      everyFileCard(store)
    }),
  "call-files-top": () =>
    call(FIVE, store => {
      store.show("chat")
      everyFileCard(store)
      undone++
      onceThere("[data-testid=file-card]", () =>
        // By then it has scrolled to its end by itself.
        setTimeout(() => {
          document.querySelector(".chat-log")!.scrollTo(0, 0)
          undone--
        }, 900),
      )
    }),
  "call-files-drop": () =>
    call(FIVE, () =>
      until("[data-testid=file-drop]", () => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File([], "a.txt"))
        document.dispatchEvent(new DragEvent("dragover", { dataTransfer }))
      }),
    ),
  "call-chat-empty": () => call([{ name: "Ben Okafor" }], store => (store.panel.value = "chat")),
  "call-unread": () => call(FIVE, chatter),
  "call-timeline": () => call([{ name: "Ben Okafor" }], store => store.show("timeline")),
  "call-timeline-5": () =>
    call([...FIVE.slice(0, 3), { name: "Zoë 👩🏽‍🚀", camera: false, timeline: failedChecks }], store =>
      store.show("timeline"),
    ),
  "call-failed": () => call([{ name: "Ben Okafor", camera: false, timeline: failedChecks }]),
  "call-failed-timeline": () =>
    call([{ name: "Ben Okafor", camera: false, timeline: failedChecks }], store => store.show("timeline")),
  "call-recovering": () =>
    call([
      {
        name: "Ben Okafor",
        timeline: timelineAt("x", "checks", "recovering", "the path to answer again"),
      },
      ...FIVE.slice(1, 3),
    ]),
  "call-reconnecting": () =>
    call(
      FIVE.slice(0, 3),
      state({ status: "reconnecting", retryAt: performance.now() + 20_000, reason: lost }),
    ),
  "call-away": () => call([{ name: "Ben Okafor", away: true }, ...FIVE.slice(2)]),
  "call-muted": () =>
    call(FIVE.slice(0, 2), store => void store.toggle("microphone").then(() => store.toggle("camera"))),
  "call-trouble": () =>
    call(FIVE.slice(0, 2), store => {
      store.trouble.value = {
        message: "Your camera is in use by another program.",
        hint: "Close it there, then turn the camera on again.",
      }
    }),
}
