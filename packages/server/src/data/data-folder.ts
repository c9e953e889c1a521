import { randomBytes } from "node:crypto"
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"

/** Bytes of a generated secret. */
const SECRET_SIZE = 32

/** A data folder that cannot be used; the message says which path, why, and what to do. */
export class DataError extends Error {
  override readonly name = "DataError"
}

/** The folder that keeps what must outlive the process: generated secrets and the certificate. Files have mode 0600. */
export class DataFolder {
  /** Absolute. */
  readonly path: string

  /** Makes the folder when it is not there. Throws `DataError`. */
  constructor(path: string) {
    this.path = resolve(path)
    this.#guard("make", this.path, () => mkdirSync(this.path, { recursive: true, mode: 0o700 }))
  }

  /** The text of a file; `undefined` when there is none. */
  read(name: string): string | undefined {
    const path = join(this.path, name)
    return this.#guard("read", path, () => {
      try {
        return readFileSync(path, "utf8")
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
        throw error
      }
    })
  }

  /** Replaces a file whole: whoever reads it sees the old text or the new, never a part. */
  write(name: string, text: string): void {
    const path = join(this.path, name)
    this.#guard("write", path, () => {
      const temporary = this.#temporary(path, text)
      renameSync(temporary, path)
    })
  }

  /** A secret of 32 random bytes, made at first use and the same ever after. */
  secret(name: string): Uint8Array {
    const known = this.read(name) ?? this.#create(name, `${randomBytes(SECRET_SIZE).toString("base64url")}\n`)
    const secret = Buffer.from(known.trim(), "base64url")
    if (secret.length < SECRET_SIZE)
      throw new DataError(
        `${join(this.path, name)} is damaged: delete it, and a new secret is made at the next start`,
      )
    return new Uint8Array(secret)
  }

  /** Writes a file that is not there yet. When another process was faster, its text is the answer. */
  #create(name: string, text: string): string {
    const path = join(this.path, name)
    return this.#guard("write", path, () => {
      const temporary = this.#temporary(path, text)
      try {
        linkSync(temporary, path)
        return text
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return readFileSync(path, "utf8")
        throw error
      } finally {
        rmSync(temporary, { force: true })
      }
    })
  }

  #temporary(path: string, text: string): string {
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`
    writeFileSync(temporary, text, { mode: 0o600, flag: "wx", flush: true })
    // The mode above passes the umask, which may only have taken more away.
    chmodSync(temporary, 0o600)
    return temporary
  }

  #guard<T>(what: string, path: string, act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw new DataError(
        `cannot ${what} ${path}: ${(error as Error).message}. The data folder is set by --data, TIGHTBEAM__DATA or the key data`,
        { cause: error },
      )
    }
  }
}
