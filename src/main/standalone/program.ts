import { getAsset, getAssetKeys, getRawAsset } from 'node:sea'
import { Script } from 'node:vm'

/** How scripts/package wraps a bundle, so that it finds what Node gives a module. */
type Wrapped = (require: (name: string) => unknown, module: { exports: unknown }, programUrl: string) => void

/**
 * Runs a program that the standalone binary carries, and returns what it exports. Its modules are bundled, so that all it
 * can still require is Node's own: nothing outside the binary is ever loaded.
 */
export function runProgram(name: string): unknown {
  const source = getAsset(`${name}.js`, 'utf8')
  const cache = `${name}.cache`
  const cachedData = getAssetKeys().includes(cache) ? new Uint8Array(getRawAsset(cache)) : undefined
  const script = new Script(source, { filename: `netlab:${name}`, ...(cachedData !== undefined && { cachedData }) })
  const module = { exports: {} }
  const wrapped: Wrapped = script.runInThisContext()
  wrapped(process.getBuiltinModule, module, import.meta.url)
  return module.exports
}
