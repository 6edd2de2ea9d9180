import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, root } from './folders.ts'

interface Locked {
  readonly version: string
  readonly integrity: string
}

const lock: { readonly packages: Readonly<Record<string, Locked | undefined>> } = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
)

/** Version and checksum of a package as package-lock.json has them. */
export function locked(name: string): Locked {
  const found = lock.packages[`node_modules/${name}`]
  if (found === undefined) throw new Error(`package-lock.json knows no ${name}`)
  return found
}

/** Neither the registry nor npm's cache has it; npm has said why. */
export class NotToBeHad extends Error {}

/** What came is not what package-lock.json means. */
export class WrongSum extends Error {}

/**
 * The folder of a package, whatever platform it is for: `npm ci` installs those of this machine only. It comes from the
 * registry or npm's cache; an archive whose sha512 is not the expected one is never unpacked. @throws {NotToBeHad, WrongSum}
 */
export function npmPackage(name: string, { version, integrity } = locked(name)): string {
  const id = `${name.replaceAll('/', '+')}-${version}`
  const folder = join(cacheFolder, 'packages', id)
  if (existsSync(folder)) return folder
  const unpacking = `${folder}.${process.pid}.tmp`
  mkdirSync(unpacking, { recursive: true })
  try {
    const packed = pack(`${name}@${version}`, unpacking)
    const [{ filename }] = JSON.parse(packed)
    const archive = readFileSync(join(unpacking, filename))
    const sum = `sha512-${createHash('sha512').update(archive).digest('base64')}`
    if (sum !== integrity) throw new WrongSum(`${name}@${version} has ${sum}, but ${integrity} is expected`)
    execFileSync('tar', ['-xzf', filename], { cwd: unpacking })
    renameSync(join(unpacking, 'package'), folder)
  } finally {
    rmSync(unpacking, { recursive: true, force: true })
  }
  return folder
}

/** Puts the archive of a package in a folder, and returns what npm tells about it. */
function pack(id: string, folder: string): string {
  try {
    return execFileSync('npm', ['pack', id, '--prefer-offline', '--json'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    })
  } catch (cause) {
    throw new NotToBeHad(`${id} can't be had`, { cause })
  }
}
