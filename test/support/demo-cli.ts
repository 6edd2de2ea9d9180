// A command line with commands of its own on top of netlab's `main`, for what no real command does reliably.
import { writeSync } from 'node:fs'
import { ExitCode } from '../../src/base/errors.ts'
import { type Command, defineCommand, loaded } from '../../src/commands/command.ts'
import { main } from '../../src/main/main.ts'
import { keepOutputQuiet } from '../../src/main/output.ts'
import { processSignals } from '../../src/main/signals.ts'
import { startThread } from '../../src/main/threads.ts'
import { bytes, choice, flag, integer, optional, text } from '../../src/options/kinds.ts'
import { option } from '../../src/options/spec.ts'

function toil(rounds: number): void {
  const body = 'for (let n = 0; n < a; n++) { s = (s * 31 + n ^ b) | 0; if (s % 7 === 0) s += [n, b, s].length }'
  const hot = Array.from({ length: 200 }, (_, i) => new Function('a', 'b', `let s = ${i}; ${body} return { s, a, b }`))
  const kept: unknown[] = []
  for (let round = 0; round < rounds; round++) {
    for (const work of hot) kept.push(work(60, round))
    kept.push(Buffer.allocUnsafeSlow(500_000))
  }
}

const demo: Command[] = [
  defineCommand({
    name: 'write',
    summary: 'writes much to stdout and ends at once',
    options: { size: option({ kind: bytes(0, 2 ** 30), summary: 'how much', default: 1 }) },
    async run({ size }, { stdout }) {
      stdout.write('x'.repeat(size))
      return ExitCode.negative
    },
  }),
  defineCommand({
    name: 'toil',
    summary: 'ends while V8 compiles what is hot and has to collect garbage',
    options: { rounds: option({ kind: integer(1, 1000), summary: 'how much', default: 1 }) },
    async run({ rounds }, { onExit }) {
      onExit(() => toil(rounds))
      return ExitCode.ok
    },
  }),
  defineCommand({
    name: 'wait',
    summary: 'waits for a signal, or for ever',
    options: { stubborn: option({ kind: flag, summary: 'do not obey the first', default: false }) },
    async run({ stubborn }, { signal, stdout, clock, onExit }) {
      onExit(() => void writeSync(1, 'left\n'))
      const tick = () => clock.after(60_000, tick)
      tick()
      stdout.write('waiting\n')
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stdout.write(`asked to end by ${signal.reason}\n`)
          if (!stubborn) reject(signal.reason)
        })
      })
      return ExitCode.ok
    },
  }),
  defineCommand({
    name: 'break',
    summary: 'has a bug',
    positionals: [{ name: 'how' }],
    options: {
      how: option({ kind: choice('throw', 'later', 'reject', 'forget'), summary: 'which', default: 'throw' }),
    },
    async run({ how }, { clock, onExit }) {
      onExit(() => void writeSync(1, 'left\n'))
      onExit(() => {
        throw new Error('in a hook')
      })
      const bug = () => {
        throw new TypeError('oops')
      }
      if (how === 'throw') bug()
      if (how === 'later') clock.after(0, bug)
      if (how === 'reject') void Promise.reject(new TypeError('oops'))
      return new Promise(() => {})
    },
  }),
  defineCommand({
    name: 'ask',
    summary: 'asks for everything',
    options: {
      name: option({ kind: text, summary: 'who', default: 'nobody', ask: 'Name?' }),
      count: option({ kind: integer(1, 9), summary: 'how many', default: 3, ask: 'Count?' }),
      pace: option({
        kind: optional(integer(0, 9)),
        summary: 'how fast',
        default: undefined,
        ask: 'Pace?',
        defaultText: 'own',
      }),
      shape: option<'round' | 'square'>({
        kind: choice('round', 'square'),
        summary: 'form',
        default: 'square',
        ask: 'Shape?',
      }),
      loud: option({ kind: flag, summary: 'noise', default: true, ask: 'Loud?' }),
      word: option({ kind: text, summary: 'secret', default: '', ask: 'Word?', secret: true }),
    },
    async run({ word, ...values }, { stdout }) {
      stdout.write(`${JSON.stringify({ ...values, wordLength: word.length })}\n`)
      return ExitCode.ok
    },
  }),
]

keepOutputQuiet()
void main(process.argv.slice(2), startThread, processSignals(), demo.map(loaded))
