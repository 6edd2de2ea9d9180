import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { RunningNetlab } from '../support/run-netlab.ts'
import { type Service, type Services, services, sharedServices } from './services.ts'

/** Other people's software that can talk to a server: its input are lines to say, its output is what it hears. */
export interface Stranger {
  readonly name: string
  /** The program and what comes before its arguments; absent: it isn't here. */
  readonly program: string | undefined
  args(port: string): readonly string[]
}

/** What is said when something was heard; first of all, when nothing is to be heard before. */
export type Dialogue = readonly (readonly [hear: string | RegExp | undefined, say: string | undefined])[]

/** One test for each stranger and each service, all at the same time; skipped where the stranger isn't installed. */
export function talkToAll(
  strangers: readonly Stranger[],
  dialogues: Readonly<Record<Service, (stranger: string, at: Services) => Dialogue>>,
): void {
  for (const { name, program, args } of strangers) {
    if (program === undefined) {
      test.skip(`${name} (not installed here)`, () => undefined)
      continue
    }
    test.concurrent.each(services)(`${name} talks to %s`, async (service) => {
      const at = await sharedServices()
      const stranger = new RunningNetlab(args(at[service]), { program })
      for (const [hear, say] of dialogues[service](name, at)) {
        if (hear !== undefined) await stranger.stdout.waitFor(hear)
        if (say !== undefined) stranger.type(say)
      }
      stranger.process.stdin.end()
      expect(await stranger.finished()).toMatchObject({ signal: null })
    })
  }
}

/** Where a program is, on PATH. */
export function installed(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
