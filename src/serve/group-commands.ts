import { ExitCode, NetlabError, UsageError } from '../base/errors.ts'
import { formatTable } from '../terminal/format.ts'
import {
  nothingDone,
  type Operator,
  type OperatorCommand,
  type OperatorTable,
  type OperatorUsage,
} from '../terminal/operator-console.ts'

/** One of several services of a process, as its operator sees it. */
export interface ServiceConsole {
  readonly name: string
  readonly usages: Readonly<Record<string, OperatorUsage>>
  run(command: string, words: readonly string[], operator: Operator): string | Promise<string>
}

/** A service with its table and what that works on. */
export function serviceConsole<Target>(name: string, table: OperatorTable<Target>, target: Target): ServiceConsole {
  return {
    name,
    usages: table,
    async run(command, words, operator) {
      const found = table[command]
      if (found === undefined) throw new Error(`${name} has no command ${command}`)
      return found.run(words, target, operator)
    },
  }
}

/** Answered by each service. */
const forEach: ReadonlySet<string> = new Set(['status', 'clients', 'pause', 'resume'])
/** About what all have in common. */
const forAll: ReadonlySet<string> = new Set(['logs', 'stop'])

/**
 * What can be typed at the console of several services: `status`, `clients`, `pause` and `resume` are answered by each of them; `logs`,
 * `clear logs` and `stop` are about all; a person to be kicked is looked for everywhere; and any other command goes to the last
 * service that knows it, since those that share accounts know the more of people the further down they stand. A line that begins with a
 * service's name is for that one.
 */
export function groupTable(services: readonly ServiceConsole[]): OperatorTable<undefined> {
  const names = [...new Set(services.flatMap(({ usages }) => Object.keys(usages)))]
  const rows = names.map((name) => {
    const able = services.filter(({ usages }) => Object.hasOwn(usages, name))
    const usage = able.at(-1)?.usages[name]
    return usage === undefined ? [] : [[name, { ...usage, ...commandOf(name, able) }] as const]
  })
  return Object.fromEntries(rows.flat())
}

function commandOf(name: string, able: readonly ServiceConsole[]): Pick<OperatorCommand<undefined>, 'run'> {
  const last = able.at(-1)
  if (forEach.has(name)) return { run: (words, _target, operator) => answersOf(name, words, able, operator) }
  if (name === 'kick') return { run: (words, _target, operator) => kickAnywhere(words, able, operator) }
  const service = forAll.has(name) ? able[0] : last
  return {
    run: (words, _target, operator) => service?.run(name, words, operator) ?? '',
  }
}

/** Each service's answer under its name. @throws {NetlabError} when all of them had nothing to do */
async function answersOf(
  name: string,
  words: readonly string[],
  services: readonly ServiceConsole[],
  operator: Operator,
): Promise<string> {
  const answers: string[] = []
  const refusals: NetlabError[] = []
  for (const service of services) {
    try {
      answers.push(`${service.name}:\n${indented(await service.run(name, words, operator))}`)
    } catch (error) {
      if (!(error instanceof NetlabError) || error.exit !== ExitCode.negative) throw error
      answers.push(`${service.name}:\n${indented(error.message)}`)
      refusals.push(error)
    }
  }
  const [refusal] = refusals
  if (refusal !== undefined && refusals.length === services.length) throw refusal
  return answers.join('\n')
}

async function kickAnywhere(
  words: readonly string[],
  services: readonly ServiceConsole[],
  operator: Operator,
): Promise<string> {
  const [whom = ''] = words
  if (/^#?\d+$/.test(whom)) {
    const lines = services.map(({ name }) => [`${name} kick ${whom}`])
    throw new UsageError(`each service numbers its clients by itself; say of which ${whom} is`, {
      hint: `type: ${formatTable(lines).replaceAll('\n', ', or ')}`,
    })
  }
  const answers: string[] = []
  let refusal = nothingDone('no service has clients')
  for (const service of services) {
    try {
      answers.push(`${service.name}: ${await service.run('kick', words, operator)}`)
    } catch (error) {
      if (!(error instanceof NetlabError)) throw error
      refusal = error
    }
  }
  if (answers.length === 0) throw refusal
  return answers.join('\n')
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
