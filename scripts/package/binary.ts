import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pkgSea, { type SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js'
import { type Bundled, firstProgram } from './bundle.ts'
import { makeCodeCache } from './code-cache.ts'
import { cacheFolder, distFolder, root } from './folders.ts'
import { locked, npmPackage } from './npm-package.ts'
import { blobMakers, type Target } from './targets.ts'

const thisSystem = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

/** Makes dist/netlab-TARGET and returns its path. */
export async function makeBinary(target: Target, { sources }: Bundled): Promise<string> {
  mkdirSync(distFolder, { recursive: true })
  // Not in the project: the binary remembers where its first program came from.
  const work = mkdtempSync(join(tmpdir(), 'netlab-package-'))
  try {
    return await make(target, sources, work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function make(target: Target, sources: Bundled['sources'], work: string): Promise<string> {
  const { version } = locked(target.base)
  const base = nodeIn(npmPackage(target.base), target.platform)
  const stripped = join(work, target.platform === 'win32' ? 'node.exe' : 'node')
  copyFileSync(base, stripped)
  strip(stripped, target)
  seed(stripped, target.platform, target.arch, version)
  seedBlobMaker(target, version)

  // Only the Node that will read it can make it.
  const native = target.name === thisSystem
  const assets: Record<string, string> = addonFiles(target)
  for (const [name, source] of sources) {
    const file = join(work, `${name}.js`)
    writeFileSync(file, source)
    if (name !== firstProgram) assets[`${name}.js`] = file
    if (native && name !== firstProgram && name !== 'thread') {
      assets[`${name}.cache`] = makeCodeCache(base, file, join(work, `${name}.cache`))
    }
  }

  const output = join(distFolder, `netlab-${target.name}${target.platform === 'win32' ? '.exe' : ''}`)
  rmSync(output, { force: true })
  const seaConfig: SeaConfig & { readonly execArgv: readonly string[]; readonly execArgvExtension: 'none' } = {
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: native,
    execArgv: ['--disable-warning=ExperimentalWarning', ...closedDoors(target)],
    // NODE_OPTIONS is not obeyed.
    execArgvExtension: 'none',
    assets,
  }
  await pkgSea.default(join(work, `${firstProgram}.js`), {
    targets: [{ ...pkgTarget(target.platform, target.arch, version), output }],
    seaConfig,
    signature: true,
  })
  chmodSync(output, 0o755)
  return output
}

/**
 * What Node would do before our first line, and must not: open a debugger for whoever sends SIGUSR1, and load providers that a
 * configuration of OpenSSL names. All else that it obeys is left behind by src/main/standalone/environment.ts.
 */
function closedDoors({ platform }: Target): readonly string[] {
  return ['--disable-sigusr1', `--openssl-config=${platform === 'win32' ? 'NUL' : '/dev/null'}`]
}

function nodeIn(folder: string, platform: Target['platform']): string {
  return join(folder, 'bin', platform === 'win32' ? 'node.exe' : 'node')
}

/** The symbol table is a tenth of the file and only a debugger of Node needs it. */
function strip(file: string, { platform, name }: Target): void {
  if (platform !== 'linux') return
  const tools = name === thisSystem ? ['strip', 'llvm-strip'] : ['aarch64-linux-gnu-strip', 'llvm-strip']
  for (const tool of tools) {
    try {
      execFileSync(tool, ['--strip-all', file], { stdio: 'ignore' })
      return
    } catch {
      // Not installed, or it doesn't know this processor.
    }
  }
  console.warn(`${name}: neither of ${tools.join(', ')} works here, so the binary will be larger`)
}

function addonFiles({ platform, arch, argon2 }: Target): Record<string, string> {
  const koffi = npmPackage(`@koromix/koffi-${platform}-${arch}`)
  return {
    'argon2.node': join(root, 'node_modules', 'argon2', 'prebuilds', `${platform}-${arch}`, argon2),
    'koffi.node': join(koffi, `${platform}_${arch}`, 'koffi.node'),
  }
}

function pkgTarget(platform: Target['platform'], arch: Target['arch'], version: string) {
  const names = { linux: 'linux', win32: 'win', darwin: 'macos' } as const
  return { platform: names[platform], arch, nodeRange: `node${version}` }
}

/** Where pkg looks for a Node before it downloads one: a folder of ours, so that it never does. */
const pkgHome = join(cacheFolder, 'home')

/** Puts a Node where pkg would have unpacked it; empty .ok files tell it that the work is done. */
function seed(node: string, platform: Target['platform'], arch: string, version: string): void {
  process.env.HOME = pkgHome
  process.env.USERPROFILE = pkgHome
  const folder = join(pkgHome, '.pkg-cache', 'sea')
  const windows = platform === 'win32'
  const name = `node-v${version}-${windows ? 'win' : platform}-${arch}`
  const archive = join(folder, `${name}.${windows ? 'zip' : 'tar.gz'}`)
  const binary = windows ? join(folder, `${name}.exe`) : join(folder, name, 'bin', 'node')
  mkdirSync(join(binary, '..'), { recursive: true })
  cpSync(node, binary)
  for (const file of [archive, `${archive}.ok`, `${binary}.ok`]) writeFileSync(file, '')
}

/** A target for another system needs a Node of its version that runs here. */
function seedBlobMaker(target: Target, version: string): void {
  if (target.name === thisSystem || version === process.versions.node) return
  const maker = blobMakers[`${thisSystem} ${version}`]
  if (maker === undefined)
    throw new Error(`${target.name} can't be packaged on ${thisSystem}: it needs Node ${version}`)
  const node = nodeIn(
    npmPackage(maker.name, { version, integrity: maker.integrity }),
    process.platform as Target['platform'],
  )
  seed(node, process.platform as Target['platform'], process.arch, version)
}
