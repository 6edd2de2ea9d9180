export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
}

const entity = /&(?:(lt|gt|amp|quot)|#(\d+));/g
const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' }

/** Reads XML as a scan writes it, strictly: elements with quoted attributes, no text, one root. @throws {Error} */
export function readXml(text: string): XmlElement {
  const tokens = /\s*(?:<\?xml [^?]*\?>|<!DOCTYPE \w+>|<\/(\w+)>|<(\w+)((?: \w+="[^"<]*")*)(\/?)>)\s*/gy
  const open: { name: string; attributes: Record<string, string>; children: XmlElement[] }[] = []
  let root: XmlElement | undefined
  let read = 0
  for (const [token, closed, name, list = '', empty] of text.matchAll(tokens)) {
    read += token.length
    if (closed !== undefined) {
      const element = open.pop()
      if (element?.name !== closed) throw new Error(`</${closed}> at ${read}`)
      if (open.length === 0) root = element
    } else if (name !== undefined) {
      if (root !== undefined) throw new Error(`a second root at ${read}`)
      const element = { name, attributes: readAttributes(list), children: [] }
      open.at(-1)?.children.push(element)
      if (empty === '') open.push(element)
    }
  }
  if (read < text.length || root === undefined)
    throw new Error(`no XML from character ${read} on: ${text.slice(read, read + 80)}`)
  return root
}

export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

function readAttributes(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', raw = ''] of text.matchAll(/ (\w+)="([^"]*)"/g)) {
    if (name in found) throw new Error(`${name} twice`)
    if (raw.replace(entity, '').includes('&')) throw new Error(`a bare & in ${raw}`)
    found[name] = raw.replace(entity, (_, word: string | undefined, code: string) =>
      word === undefined ? String.fromCodePoint(Number(code)) : (named[word] ?? ''),
    )
  }
  return found
}
