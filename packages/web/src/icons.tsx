import type { ComponentChildren, JSX } from "preact"

/** One line weight, 24 × 24, in the colour of the text. Always beside words or within a labelled button. */
const icon = (shape: ComponentChildren) => (): JSX.Element => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    {shape}
  </svg>
)

const microphone = (
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
  </>
)
const camera = (
  <>
    <rect x="2.75" y="6" width="13" height="12" rx="3" />
    <path d="m15.75 10.8 5.5-3.3v9l-5.5-3.3z" />
  </>
)
/** Knocks a gap out of the shape below, then strikes it through. */
const strike = (
  <>
    <path class="knock" d="M3.5 3.5 20.5 20.5" />
    <path d="M3.5 3.5 20.5 20.5" />
  </>
)

export const MicrophoneIcon = icon(microphone)
export const MicrophoneOffIcon = icon(
  <>
    {microphone}
    {strike}
  </>,
)
export const CameraIcon = icon(camera)
export const CameraOffIcon = icon(
  <>
    {camera}
    {strike}
  </>,
)
export const ScreenIcon = icon(
  <>
    <rect x="2.75" y="4.5" width="18.5" height="12.5" rx="2.5" />
    <path d="M12 13.5V8.2M9.6 10.4 12 8l2.4 2.4M8.5 20.5h7" />
  </>,
)
export const ChatIcon = icon(
  <path d="M4 5.5h16a1 1 0 0 1 1 1V16a1 1 0 0 1-1 1h-7.5L8 20.8V17H4a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1Z" />,
)
export const TimelineIcon = icon(
  <>
    <path d="M2 12h3M9 12h6M19 12h3" />
    <circle cx="7" cy="12" r="2" />
    <circle cx="17" cy="12" r="2" />
  </>,
)
export const LinkIcon = icon(
  <path d="M10 14a4 4 0 0 0 5.7 0l3.2-3.2a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3.2 3.2a4 4 0 0 0 5.7 5.7l1.2-1.2" />,
)
export const LeaveIcon = icon(
  <path d="M14 4.5h4a1.5 1.5 0 0 1 1.5 1.5v12a1.5 1.5 0 0 1-1.5 1.5h-4M10 8l-4 4 4 4M6 12h9" />,
)
export const CloseIcon = icon(<path d="m6 6 12 12M18 6 6 18" />)
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />)
export const ShuffleIcon = icon(
  <path d="M20 11a8 8 0 0 0-14.3-4.2L4 9M4 4.5V9h4.5M4 13a8 8 0 0 0 14.3 4.2L20 15m0 4.5V15h-4.5" />,
)
export const SoundIcon = icon(
  <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11" />,
)
export const SendIcon = icon(<path d="M12 20V5M6 10.5 12 4.5l6 6" />)
export const ChevronIcon = icon(<path d="m7 10 5 5 5-5" />)
export const SlidersIcon = icon(
  <>
    <path d="M4 8h8M18 8h2M4 16h2M12 16h8" />
    <circle cx="15" cy="8" r="2.5" />
    <circle cx="9" cy="16" r="2.5" />
  </>,
)
export const HelpIcon = icon(
  <>
    <path d="M8.8 9.2a3.2 3.2 0 1 1 4.7 2.8c-.9.5-1.5 1.1-1.5 2.2v.3" />
    <path d="M12 17.8v.1" />
  </>,
)
export const MoreIcon = icon(<path class="dots" d="M5.5 12v.01M12 12v.01M18.5 12v.01" />)
export const PinIcon = icon(<path d="M9 4h6M10 4v6l-3 4h10l-3-4V4M12 14v6" />)
export const HandIcon = icon(
  <path d="M8 12.5V6a1.5 1.5 0 0 1 3 0v5-6.5a1.5 1.5 0 0 1 3 0V11 6a1.5 1.5 0 0 1 3 0v8.5a6 6 0 0 1-6 6c-2.6 0-4-1.2-5.2-3.2L4 13.8a1.5 1.5 0 0 1 2.6-1.5L8 14.5" />,
)
export const CaptionsIcon = icon(
  <>
    <rect x="2.75" y="5" width="18.5" height="14" rx="3" />
    <path d="M10 10.7a2 2 0 1 0 0 2.6M17 10.7a2 2 0 1 0 0 2.6" />
  </>,
)
export const PictureIcon = icon(
  <>
    <rect x="2.75" y="5" width="18.5" height="14" rx="3" />
    <rect class="filled" x="12" y="11.5" width="6.5" height="4.5" rx="1" />
  </>,
)
export const EarIcon = icon(
  <path d="M7 10a5 5 0 0 1 10 0c0 3-3 3.8-3.6 6.2-.4 1.8-1.4 3.3-3.2 3.3-1.6 0-2.6-1-2.9-2.3M9.7 10a2.3 2.3 0 0 1 4.6 0c0 1.3-1.3 1.6-1.6 2.6" />,
)
export const LockIcon = icon(
  <>
    <rect x="5" y="10.5" width="14" height="10" rx="2.5" />
    <path d="M8 10.5V7.5a4 4 0 0 1 8 0v3" />
  </>,
)
export const RemoveIcon = icon(
  <>
    <circle cx="10" cy="8" r="3.5" />
    <path d="M3.5 19.5a6.5 6.5 0 0 1 11.4-4.3M16 16l5 5M21 16l-5 5" />
  </>,
)
export const AttachIcon = icon(
  <path d="m19.5 11.5-7.6 7.6a5 5 0 0 1-7.1-7.1l8-8a3.4 3.4 0 0 1 4.8 4.8l-8 8a1.7 1.7 0 0 1-2.4-2.4l7.2-7.2" />,
)
export const FileIcon = icon(
  <path d="M13.5 3.5H7A1.5 1.5 0 0 0 5.5 5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5zM13.5 3.5v5h5" />,
)
