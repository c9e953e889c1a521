import { isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml"
import { keyByPath, keys, sections } from "./keys.ts"
import { nearMiss } from "./near-miss.ts"
import type { Layer, Setting } from "./setting.ts"

/** Reads a configuration file. `name` is what it is called in messages. */
export function fromYaml(text: string, name: string): Layer {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number | undefined): string =>
    offset === undefined ? name : `${name}:${lines.linePos(offset).line}`
  const settings: Setting[] = []
  const problems: string[] = document.errors.map(error => `${at(error.pos[0])}: ${error.message}`)
  if (problems.length > 0) return { settings, problems }

  const walk = (node: Node | null, above: string, where: string): void => {
    // An empty section says nothing, which is no mistake.
    if (node === null || (isScalar(node) && node.value === null)) return
    if (!isMap(node)) {
      problems.push(`${where}: ${above === "" ? "the file" : above} must be a section: keys and values`)
      return
    }
    for (const { key, value } of node.items) {
      const word = isScalar(key) ? String(key.value) : String(key)
      const path = above === "" ? word : `${above}.${word}`
      const place = at((key as Node | null)?.range?.[0])
      if (sections.has(path)) walk(value as Node | null, path, place)
      else if (keyByPath.has(path))
        settings.push({ path, value: (value as Node | null)?.toJS(document), where: place })
      else problems.push(`${place}: ${path} is not a key.${suggestion(above, word)}`)
    }
  }
  walk(document.contents, "", name)
  return { settings, problems }
}

/** What is legal in a section, or what was most likely meant. */
function suggestion(above: string, word: string): string {
  const prefix = above === "" ? "" : `${above}.`
  const inSection = new Set(
    keys.filter(key => key.path.startsWith(prefix)).map(key => key.path.slice(prefix.length).split(".")[0]!),
  )
  const near = nearMiss(word, inSection)
  if (near !== undefined) return ` Did you mean ${prefix}${near}?`
  const elsewhere = keys.find(key => key.path.endsWith(`.${word}`))
  if (elsewhere !== undefined) return ` Did you mean ${elsewhere.path}?`
  return ` Legal here: ${[...inSection].join(", ")}.`
}
