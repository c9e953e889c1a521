export interface DocumentPicture {
  requestWindow(size: object): Promise<Window>
}

/** Document Picture-in-Picture, where there is any: not in TypeScript's DOM yet. */
export const documentPicture = (): DocumentPicture | undefined =>
  (globalThis as { documentPictureInPicture?: DocumentPicture }).documentPictureInPicture

export const canShowPicture = (): boolean =>
  documentPicture() !== undefined || (document as Partial<Document>).pictureInPictureEnabled === true
