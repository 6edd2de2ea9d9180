import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')

/** Folder → floor. Imports run downward only, and rooms on one floor do not know each other. */
const floors: Record<string, number> = {
  base: 0,
  files: 1,
  log: 2,
  options: 2,
  terminal: 2,
  text: 2,
  net: 3,
  serve: 4,
  control: 4,
  accounts: 4,
  chat: 4,
  'datagram-chat': 4,
  scan: 4,
  check: 4,
  protocols: 5,
  commands: 6,
  main: 7,
}

/** Node modules that only these folders may import. */
const reserved: Record<string, readonly string[]> = {
  'node:net': ['net', 'serve', 'control', 'scan', 'check', 'main'],
  'node:tls': ['net', 'scan', 'serve', 'commands'],
  'node:dgram': ['datagram-chat'],
  'node:fs': ['files', 'log', 'control', 'accounts', 'chat', 'check', 'main', 'commands'],
  'node:worker_threads': ['base', 'serve', 'log', 'scan', 'main', 'net', 'accounts', 'chat'],
}

interface Import {
  readonly file: string
  readonly from: string
  readonly target: string
  readonly typeOnly: boolean
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8')
  const from = file.split(sep)[0] ?? ''
  return [...text.matchAll(/(import type [^']*|from|import\(|import)\s*'([^']+)'/g)].map((match) => ({
    file,
    from,
    target: match[2] ?? '',
    typeOnly: match[1]?.startsWith('import type') === true,
  }))
})

describe('the floors of src', () => {
  test('every folder has a floor', () => {
    const folders = new Set(files.map((file) => file.split(sep)[0]))
    expect([...folders].filter((folder) => folder === undefined || !(folder in floors))).toEqual([])
  })

  test('imports run downward, and rooms on one floor do not import each other', () => {
    const wrong = imports
      .filter(({ target }) => target.startsWith('.') && target !== '../../package.json')
      .filter(({ file, from, target }) => {
        const to = relative(src, normalize(join(src, dirname(file), target))).split(sep)[0] ?? ''
        return to !== from && (floors[to] ?? 99) >= (floors[from] ?? -1)
      })
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([])
  })

  test('no file imports itself by way of others, types included', () => {
    const next = new Map<string, string[]>()
    for (const { file, target } of imports) {
      const to = normalize(join(dirname(file), target))
      if (target.startsWith('.') && files.includes(to)) next.set(file, [...(next.get(file) ?? []), to])
    }
    const circles: string[] = []
    const done = new Set<string>()
    const walk = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file)
      if (at >= 0) circles.push([...path.slice(at), file].join(' → '))
      if (at >= 0 || done.has(file)) return
      for (const to of next.get(file) ?? []) walk(to, [...path, file])
      done.add(file)
    }
    for (const file of files) walk(file, [])
    expect(circles).toEqual([])
  })

  test('a type name is declared in one file only: one name, one meaning', () => {
    const declared = new Map<string, string[]>()
    for (const file of files) {
      const text = readFileSync(join(src, file), 'utf8')
      const names = [...text.matchAll(/^(?:export )?(?:abstract )?(?:interface|type|class) ([A-Z]\w*)/gm)]
      for (const name of new Set(names.map(([, name = '']) => name))) {
        declared.set(name, [...(declared.get(name) ?? []), file])
      }
    }
    expect([...declared].filter(([, places]) => places.length > 1)).toEqual([])
  })

  test('sockets, files and threads stay in their rooms', () => {
    const wrong = imports.filter(({ from, target, typeOnly }) => {
      if (typeOnly) return false
      const allowed = reserved[target.replace(/^node:fs\/promises$/, 'node:fs')]
      return allowed !== undefined && !allowed.includes(from)
    })
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([])
  })

  test('only main touches the process', () => {
    const offenders = files
      .filter((file) => !file.startsWith(`main${sep}`))
      .filter((file) =>
        /\bprocess\.(env|argv|exit|stdin|stdout|stderr|on|once)\b/.test(readFileSync(join(src, file), 'utf8')),
      )
    expect(offenders).toEqual([])
  })

  test('no program awaits at its top level: in the standalone binary it is CommonJS', () => {
    const programs = files.filter(
      (file) => file === join('main', 'cli.ts') || dirname(file) === join('main', 'entries'),
    )
    const offenders = programs.filter((file) =>
      /^(await|[^\s/].*\bawait)\b/m.test(readFileSync(join(src, file), 'utf8')),
    )
    expect(programs.length).toBeGreaterThan(3)
    expect(offenders).toEqual([])
  })
})
