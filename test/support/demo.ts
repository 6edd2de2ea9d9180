import { join } from 'node:path'
import { projectRoot } from './executable.ts'
import { RunningNetlab } from './run-netlab.ts'
import { Terminal } from './terminal.ts'

const script = join(projectRoot, 'test', 'support', 'demo-cli.ts')

/** Starts one of the commands of demo-cli. */
export function startDemo(args: readonly string[], env: Record<string, string> = {}): RunningNetlab {
  return new RunningNetlab([script, ...args], { program: process.execPath, env: cached(env) })
}

/** The same on a terminal. */
export function demoOnTerminal(args: readonly string[], env: Record<string, string> = {}): Terminal {
  return new Terminal([script, ...args], { program: process.execPath, env: cached(env) })
}

function cached(env: Record<string, string>): Record<string, string> {
  return { NODE_COMPILE_CACHE: join(projectRoot, 'node_modules', '.cache', 'netlab'), ...env }
}
