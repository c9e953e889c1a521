/** What is needed to publish, loaded when somebody does. */
export { capture, captureScreen } from "./devices.ts"
export { LocalPublication } from "./local-publication.ts"
