import { UsageError } from '../base/errors.ts'
import type { HistoryLimit, HistoryStoreOptions } from '../chat/history.ts'
import { chatLimits } from '../chat/limits.ts'
import { choice, integer, type Kind, lifetime } from '../options/kinds.ts'
import { option, type Values } from '../options/spec.ts'
import { accountOptions } from './accounts.ts'

/** `100000`, `90d`, `100000,90d`, or `off`. */
const historyLimit: Kind<HistoryLimit | undefined> = {
  placeholder: 'COUNT[,AGE]',
  parse(value) {
    if (value.trim().toLowerCase() === 'off') return undefined
    const words = value.split(',').map((word) => word.trim())
    const counts = words.filter((word) => /^\d+$/.test(word))
    const ages = words.filter((word) => !/^\d+$/.test(word))
    if (counts.length > 1 || ages.length > 1) throw new UsageError(`"${value}" is no limit such as 100000,90d or off`)
    const [count, age] = [counts[0], ages[0]]
    return {
      count: count === undefined ? 0 : integer(1, 1_000_000_000).parse(count),
      ageMs: age === undefined ? 0 : lifetime.parse(age),
    }
  },
}

const names: Kind<readonly string[]> = {
  placeholder: 'NAME[,NAME…]',
  parse: (value) =>
    value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
}

/** What `serve chat` takes beside the common options. */
export const chatOptions = {
  ...accountOptions,
  historyLimit: option({
    kind: historyLimit,
    summary: 'messages kept in each room, by number, by age or by both; "off" keeps nothing on disk',
    default: { count: chatLimits.historyCount, ageMs: chatLimits.historyMs },
    defaultText: '100000,90d',
  }),
  historySync: option({
    kind: choice('process', 'power'),
    summary: 'a message is acknowledged when it outlives a kill of this process, or a power cut too',
    default: 'process',
  }),
  operators: option({
    kind: names,
    summary: 'who may kick, ban, mute, set topics and make operators',
    default: [],
    defaultText: 'nobody but the console',
    repeatable: true,
  }),
  floodRate: option({
    kind: integer(0, 1_000_000),
    summary: 'messages a second that one person may send for long; more are delayed; 0 sets no limit',
    default: chatLimits.ratePerSecond,
  }),
} as const

/** What the history is told; undefined when nothing is to be kept. */
export function historyConfig({
  db,
  historyLimit: limit,
  historySync: durability,
}: Values<typeof chatOptions>): HistoryStoreOptions | undefined {
  return limit === undefined ? undefined : { file: db, limit, durability }
}
