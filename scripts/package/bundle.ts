import { readdirSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { root } from './folders.ts'

const main = join(root, 'src', 'main')

/** What the binary starts with: it answers --version and --help, and finds all other programs among the assets. */
export const firstProgram = 'start'

/** The programs in the binary with their sources: the first, the command line, the first of every thread, and all threads. */
export function programs(): ReadonlyMap<string, string> {
  const threads = readdirSync(join(main, 'entries'))
  return new Map([
    [firstProgram, join(main, 'standalone', 'start.ts')],
    ['main', join(main, 'main.ts')],
    ['thread', join(main, 'standalone', 'thread.ts')],
    ...threads.map((file): [string, string] => [basename(file, '.ts'), join(main, 'entries', file)]),
  ])
}

export interface Bundled {
  /** CommonJS text of each program. */
  readonly sources: ReadonlyMap<string, string>
  /** Packages whose code is in them. */
  readonly packages: ReadonlySet<string>
}

/** Makes one CommonJS file of each program with all that it imports, but Node's own modules. */
export async function bundle(): Promise<Bundled> {
  const sources = new Map<string, string>()
  const packages = new Set<string>()
  const built = [...programs()].map(async ([name, file]) => {
    const { outputFiles, metafile } = await build({ ...options, ...frame(name), entryPoints: [file] })
    sources.set(name, outputFiles?.[0]?.text ?? '')
    for (const input of Object.keys(metafile?.inputs ?? {})) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input)?.[1]
      if (found !== undefined) packages.add(found)
    }
  })
  await Promise.all(built)
  return { sources, packages }
}

/** The first program runs no command: what only commands need is left out of it, and main.ts comes from the assets. */
const small: Plugin = {
  name: 'small',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: join(main, 'standalone', 'main.ts') }))
    onResolve({ filter: /^\.\// }, ({ kind, importer }) =>
      kind === 'dynamic-import' && importer.includes(`${sep}commands${sep}`)
        ? { path: 'left-out', namespace: 'left-out' }
        : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: '' }))
  },
}

/** Native addons come from the assets. */
const addons: Plugin = {
  name: 'addons',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node-gyp-build$/ }, () => ({ path: 'argon2', namespace: 'addon' }))
    onResolve({ filter: /^\.\/src\/static\.js$/ }, ({ importer }) =>
      dirname(importer).endsWith(join('koffi', 'src', 'koffi')) ? { path: 'koffi', namespace: 'addon' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'addon' }, ({ path }) => ({
      contents: `const load = () => require('./addon.ts').loadAddon('${path}');
        module.exports = ${path === 'koffi' ? '{ loadStatic: load }' : 'load'}`,
      resolveDir: join(main, 'standalone'),
    }))
  },
}

const options = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  metafile: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  // In the binary import() of Node's own modules fails; require() does not.
  supported: { 'dynamic-import': false },
  // Short, but readable in the stack trace of a bug.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions

/** What is put around a program, which depends on who starts it: Node, or src/main/standalone/program.ts. */
function frame(name: string): BuildOptions {
  // argon2 looks for its addon from there; ours is found otherwise.
  const define = { 'import.meta.url': 'programUrl', __dirname: '""' }
  if (name === firstProgram || name === 'thread') {
    const js = 'const programUrl = require("node:url").pathToFileURL(process.execPath).href;'
    return { define, banner: { js }, plugins: [small] }
  }
  const js = '(function (require, module, programUrl) { let exports = module.exports;'
  return { define, banner: { js }, footer: { js: '})' }, plugins: [addons] }
}
