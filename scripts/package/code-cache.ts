import { execFileSync } from 'node:child_process'

/** Compiles a program's text; runs in the Node of the binary, with nothing but its arguments. */
const compile = `
  const fs = require('node:fs'), vm = require('node:vm')
  const [source, output] = process.argv.slice(1)
  const script = new vm.Script(fs.readFileSync(source, 'utf8'))
  script.runInThisContext()
  fs.writeFileSync(output, script.createCachedData())
`

/** Keeps what V8 makes of a program, so that the binary need not make it at every start. Returns the file's path. */
export function makeCodeCache(node: string, source: string, output: string): string {
  execFileSync(node, ['-e', compile, source, output])
  return output
}
