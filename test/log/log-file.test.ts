import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { StorageError } from '../../src/base/errors.ts'
import { tryFileLock } from '../../src/files/file-lock.ts'
import { LogFile, lastLines, type WriteBytes } from '../../src/log/log-file.ts'
import { LogStore } from '../../src/log/log-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

interface Given {
  readonly path?: string
  readonly maxBytes?: number
  readonly maxFiles?: number
  readonly write?: WriteBytes
}

function storeFor({ path = join(temporaryFolder(), 'netlab.log'), maxBytes = 100, maxFiles = 3, write }: Given = {}) {
  const clock = new VirtualClock()
  const troubles: string[] = []
  const file = new LogFile({ path, maxBytes, maxFiles }, write)
  const store = new LogStore(file, clock, { service: 'echo', pid: 77 }, (sentence) => void troubles.push(sentence))
  return { store, path, troubles }
}

const line = (text: string) => `${text.padEnd(39, '.')}\n`
const read = (path: string) => readFileSync(path, 'utf8')

/** Only root can give a file to another user. */
const asRoot = process.geteuid?.() === 0 ? test : test.skip

describe('the log file', () => {
  test('rotates before it would grow too large, and keeps as many old files as told', () => {
    const { store, path } = storeFor()
    for (let number = 1; number <= 11; number++) store.write(line(`${number}`))
    expect(read(path)).toBe(line('11'))
    expect(read(`${path}.1`)).toBe(line('9') + line('10'))
    expect(read(`${path}.2`)).toBe(line('7') + line('8'))
    expect(read(`${path}.3`)).toBe(line('5') + line('6'))
    expect(readdirSync(join(path, '..'))).toHaveLength(4)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('with no old files to keep, starts anew', () => {
    const { store, path } = storeFor({ maxFiles: 0 })
    for (let number = 1; number <= 3; number++) store.write(line(`${number}`))
    expect(read(path)).toBe(line('3'))
    expect(readdirSync(join(path, '..'))).toHaveLength(1)
  })

  test('two writers of one file follow each other through every rotation', () => {
    const first = storeFor({ maxFiles: 100 })
    const second = storeFor({ path: first.path, maxFiles: 100 })
    for (let number = 1; number <= 50; number++) {
      first.store.write(line(`first ${number}`))
      second.store.write(line(`second ${number}`))
    }
    const folder = join(first.path, '..')
    const names = readdirSync(folder)
    expect(names).toHaveLength(50)
    const lines = names.flatMap((name) => read(join(folder, name)).trimEnd().split('\n'))
    expect(new Set(lines).size).toBe(100)
    for (const name of names) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100)
  })

  test('while another process rotates, goes on in the file as it is', () => {
    const { store, path, troubles } = storeFor()
    const other = tryFileLock(path)
    for (let number = 1; number <= 5; number++) store.write(line(`${number}`))
    expect(read(path).split('\n')).toHaveLength(6)
    other?.release()
    store.write(line('6'))
    expect(read(path)).toBe(line('6'))
    expect(troubles).toEqual([])
  })

  asRoot('does not follow a link that another user planted', () => {
    const folder = temporaryFolder()
    const [path, victim] = [join(folder, 'netlab.log'), join(folder, 'victim')]
    writeFileSync(victim, 'mine')
    symlinkSync(victim, path)
    lchownSync(path, 65_534, 65_534)
    expect(() => storeFor({ path })).toThrow(expect.objectContaining({ exit: 74 }))
    expect(read(victim)).toBe('mine')
  })

  test('comes back when the file, or its whole folder, is taken away', () => {
    const { store, path } = storeFor({ path: join(temporaryFolder(), 'logs', 'netlab.log') })
    store.write(line('1'))
    renameSync(path, `${path}.elsewhere`)
    store.write(line('2'))
    expect(read(path)).toBe(line('2'))
    rmSync(join(path, '..'), { recursive: true })
    store.write(line('3'))
    expect(read(path)).toBe(line('3'))
  })

  test('begins a new line when the last process left half a line', () => {
    const path = join(temporaryFolder(), 'netlab.log')
    writeFileSync(path, 'whole\nhal')
    storeFor({ path }).store.write('new\n')
    expect(read(path)).toBe('whole\nhal\nnew\n')
    storeFor({ path }).store.write('newer\n')
    expect(read(path)).toBe('whole\nhal\nnew\nnewer\n')
  })

  test('clear leaves nothing behind, and files that are not ours alone', () => {
    const { store, path } = storeFor()
    for (let number = 1; number <= 9; number++) store.write(line(`${number}`))
    writeFileSync(`${path}.notes`, 'mine')
    store.clear()
    expect(read(path)).toBe('')
    store.write(line('10'))
    expect(read(path)).toBe(line('10'))
    expect(readdirSync(join(path, '..')).sort()).toEqual(['netlab.log', 'netlab.log.notes'])
  })

  test.each([
    ['EISDIR', 'it is a directory', (folder: string) => folder],
    [
      'EEXIST',
      'its folder is a file',
      (folder: string) => {
        writeFileSync(join(folder, 'plain'), '')
        return join(folder, 'plain', 'netlab.log')
      },
    ],
  ])('cannot be opened: %s', (_code, reason, prepare) => {
    const path = prepare(temporaryFolder())
    const open = () => storeFor({ path })
    expect(open).toThrow(StorageError)
    expect(open).toThrow(`cannot open the log file ${path}: ${reason}`)
  })
})

describe('a link in the place of the log', () => {
  test('stays, and the file behind it rotates, where it is', () => {
    const [folder, behind] = [temporaryFolder(), temporaryFolder()]
    const path = join(folder, 'netlab.log')
    symlinkSync(join(behind, 'deep', 'real.log'), path)
    const { store } = storeFor({ path })
    for (let number = 1; number <= 5; number++) store.write(line(`${number}`))
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(readdirSync(folder)).toEqual(['netlab.log'])
    expect(readdirSync(join(behind, 'deep')).sort()).toEqual(['real.log', 'real.log.1', 'real.log.2'])
    expect(read(path)).toBe(line('5'))
    expect(store.tail(3)).toEqual([3, 4, 5].map((number) => line(`${number}`).trimEnd()))
    // Laid anew by somebody, it leads elsewhere from then on.
    rmSync(path)
    symlinkSync(join(behind, 'other.log'), path)
    store.write(line('6'))
    expect(read(join(behind, 'other.log'))).toBe(line('6'))
    store.clear()
    expect(read(join(behind, 'other.log'))).toBe('')
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
  })

  test('two that lead to one file share its lock', () => {
    const behind = join(temporaryFolder(), 'real.log')
    writeFileSync(behind, '')
    const links = [temporaryFolder(), temporaryFolder()].map((folder) => join(folder, 'netlab.log'))
    for (const link of links) symlinkSync(behind, link)
    const stores = links.map((path) => storeFor({ path, maxFiles: 100 }).store)
    for (let number = 1; number <= 20; number++) for (const store of stores) store.write(line(`${number}`))
    const names = readdirSync(join(behind, '..'))
    expect(names).toHaveLength(20)
    for (const link of links) expect(readdirSync(join(link, '..'))).toEqual(['netlab.log'])
  })
})

describe('what is no file of its own is written to, and neither rotated, emptied nor read', () => {
  /** Runs a log on its own descriptors. */
  function logOn(path: string, redirect: string) {
    const program = `
      const { LogFile } = await import(${JSON.stringify(new URL('../../src/log/log-file.ts', import.meta.url))})
      const log = new LogFile({ path: ${JSON.stringify(path)}, maxBytes: 100, maxFiles: 3 })
      for (let number = 0; number < 9; number++) {
        log.prepare(40)
        log.append(Buffer.from(String(number).padEnd(39, '.') + '\\n'))
      }
      let refused = ''
      try { log.clear() } catch (error) { refused = error.code }
      process.stderr.write(refused + log.tail(3).length)
      log.close()
      process.stdout.write('end\\n')`
    return spawnSync('sh', ['-c', `"$1" --input-type=module -e "$2" ${redirect}`, 'sh', process.execPath, program], {
      encoding: 'utf8',
    })
  }
  const nine = Array.from({ length: 9 }, (_, number) => line(`${number}`)).join('')

  test.each(['/dev/stdout', '/proc/self/fd/1', '/dev/fd/1', 'a link'])('%s, a pipe or a file', (given) => {
    const folder = temporaryFolder()
    const path = given === 'a link' ? join(folder, 'netlab.log') : given
    if (given === 'a link') symlinkSync('/proc/self/fd/1', path)
    expect(logOn(path, '| cat')).toMatchObject({ stdout: `${nine}end\n`, stderr: 'EINVAL0' })
    const kept = join(temporaryFolder(), 'kept')
    writeFileSync(kept, 'before\n')
    expect(logOn(path, `>> ${kept}`).stderr).toBe('EINVAL0')
    expect(read(kept)).toBe(`before\n${nine}end\n`)
    expect(readdirSync(join(kept, '..'))).toEqual(['kept'])
    if (given === 'a link') expect(lstatSync(path).isSymbolicLink()).toBe(true)
  })

  test('a device', () => {
    const { store, troubles } = storeFor({ path: '/dev/null' })
    for (let number = 1; number <= 9; number++) store.write(line(`${number}`))
    expect(store.tail(3)).toEqual([])
    expect(() => store.clear()).toThrow()
    expect([troubles, lstatSync('/dev/null').isCharacterDevice()]).toEqual([[], true])
  })

  test('a FIFO that nobody reads takes what fits, and the rest is counted', () => {
    const path = join(temporaryFolder(), 'netlab.log')
    spawnSync('mkfifo', [path])
    const { store, troubles } = storeFor({ path })
    const batch = line('x').repeat(1_000)
    for (let number = 0; number < 5; number++) store.write(batch)
    expect(troubles).toEqual([expect.stringContaining('cannot be written')])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const taken = Buffer.alloc(1_000_000)
    const first = readSync(reader, taken)
    store.write(line('y'))
    const all = taken.toString('utf8', 0, first + readSync(reader, taken, { offset: first }))
    closeSync(reader)
    store.close()
    const lines = all.trimEnd().split('\n')
    const gap = JSON.parse(lines.at(-2) ?? '')
    expect(gap).toMatchObject({ event: 'log-gap', lines: 5_000 - (lines.length - 2) })
    expect(lines.at(-1)).toBe(line('y').trimEnd())
    expect(readdirSync(join(path, '..'))).toEqual(['netlab.log'])
  })
})

describe('a file that refuses lines', () => {
  test('is told once; when it takes lines again, the log says how many are missing', () => {
    let full = false
    const write: WriteBytes = (descriptor, bytes) => {
      if (full) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      return writeSync(descriptor, bytes)
    }
    const { store, path, troubles } = storeFor({ maxBytes: 10_000, write })
    store.write(line('1'))
    full = true
    store.write(line('2') + line('3'))
    store.write(line('4'))
    full = false
    store.write(line('5'))
    const [first, gap, last] = read(path).trimEnd().split('\n')
    expect(first).toBe(line('1').trimEnd())
    expect(JSON.parse(gap ?? '')).toMatchObject({ event: 'log-gap', lines: 3 })
    expect(last).toBe(line('5').trimEnd())
    expect(troubles).toEqual([
      `the log file ${path} cannot be written: no space is left on the device; what happens meanwhile is counted, not logged`,
      `the log file ${path} can be written again; 3 lines are missing`,
    ])
  })

  test('wherever it refuses: every line is there whole, or counted', () => {
    const step = fc.record({
      lines: fc.array(fc.nat({ max: 60 }), { maxLength: 4 }),
      room: fc.oneof(fc.nat({ max: 300 }), fc.constant(1_000_000)),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let room = 0
        const write: WriteBytes = (descriptor, bytes) => {
          if (room === 0) throw Object.assign(new Error('full'), { code: 'EIO' })
          // At most 50 bytes a go: the system may always take less than it was given.
          const taken = writeSync(descriptor, bytes.subarray(0, Math.min(room, 50)))
          room -= taken
          return taken
        }
        const folder = temporaryFolder()
        const { store, path } = storeFor({ path: join(folder, 'netlab.log'), maxBytes: 1_000_000, write })
        let count = 0
        for (const { lines, room: given } of steps) {
          room = given
          store.write(lines.map((length) => `${JSON.stringify({ n: count++, pad: 'x'.repeat(length) })}\n`).join(''))
        }
        room = 1_000_000
        store.close()
        const found = read(path)
          .split('\n')
          .slice(0, -1)
          .map((text) => JSON.parse(text))
        const missing = found.filter((each) => 'event' in each).reduce((sum, gap) => sum + gap.lines, 0)
        const numbers = found.filter((each) => 'n' in each).map((each) => each.n)
        expect(numbers.length + missing).toBe(count)
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
        expect(new Set(numbers).size).toBe(numbers.length)
      }),
    )
  })

  test('a folder in which nothing can be renamed costs the rotation, not the lines', () => {
    const { store, path, troubles } = storeFor()
    for (const number of [1, 2, 3]) mkdirSync(join(`${path}.${number}`, 'something'), { recursive: true })
    for (let number = 1; number <= 6; number++) store.write(line(`${number}`))
    expect(read(path).split('\n')).toHaveLength(7)
    expect(troubles).toEqual([expect.stringContaining('cannot be rotated')])
  })
})

const folder = temporaryFolder()
const pathOf = (name: string) => join(folder, name)

describe('the last lines', () => {
  test('of several files, whatever they hold and however many are asked for', () => {
    const lines = fc.array(
      fc.string({ minLength: 1 }).map((text) => text.replaceAll('\n', 'n')),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(lines, lines, lines, fc.nat({ max: 40 }), (youngest, middle, oldest, count) => {
        const all = { a: youngest, b: middle, c: oldest }
        for (const [name, content] of Object.entries(all))
          writeFileSync(pathOf(name), content.map((line) => `${line}\n`).join(''))
        const expected = [...oldest, ...middle, ...youngest]
        expect(lastLines([pathOf('a'), pathOf('b'), pathOf('c')], count)).toEqual(
          count === 0 ? [] : expected.slice(-count),
        )
      }),
    )
  })

  test('are found in a file of many blocks, with characters of several bytes at their borders', () => {
    const lines = Array.from({ length: 8_000 }, (_, index) => `${index} ${'é漢👍'.repeat(index % 7)}`)
    writeFileSync(pathOf('long'), `${lines.join('\n')}\n`)
    for (const count of [1, 2, 999, 7_999, 8_000, 9_000])
      expect(lastLines([pathOf('long')], count)).toEqual(lines.slice(-count))
  })

  test('do not include a line that is still being written', () => {
    writeFileSync(pathOf('torn'), 'one\ntwo\nthr')
    expect(lastLines([pathOf('torn')], 5)).toEqual(['one', 'two'])
    expect(lastLines([pathOf('torn')], 1)).toEqual(['two'])
  })

  test('are as many as fit, and whole, when they are too long', () => {
    writeFileSync(pathOf('large'), `${'x'.repeat(300)}\nshort\n`)
    expect(lastLines([pathOf('large')], 2, 100)).toEqual(['short'])
    writeFileSync(pathOf('large'), `${'x'.repeat(300)}\n`)
    expect(lastLines([pathOf('large')], 2, 100)).toEqual([])
  })

  test('are the last that are wanted, however far back, and no further than told', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index} ${'.'.repeat(index % 90)}`)
    const wanted = lines.filter((line) => line.startsWith('7'))
    const isWanted = (line: string) => line.startsWith('7')
    writeFileSync(pathOf('young'), `${lines.slice(10_000).join('\n')}\n`)
    writeFileSync(pathOf('old'), `${lines.slice(0, 10_000).join('\n')}\n`)
    for (const count of [1, 5, wanted.length, wanted.length + 1])
      expect(lastLines([pathOf('young'), pathOf('old')], count, 10_000_000, isWanted)).toEqual(wanted.slice(-count))
    expect(lastLines([pathOf('young'), pathOf('old')], 5, 100_000, isWanted)).toEqual([])
  })

  test('of no file are none', () => {
    expect(lastLines([pathOf('missing'), pathOf('long')], 3)).toEqual([])
  })
})
