import { type Family, parseIp, width } from '../net/ip.ts'

/** Blocks that are not reachable from the Internet (IANA special-purpose registries, RFC 6890): anything else is public. */
const blocks = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '::/127',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
]

interface Block {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

function parse(block: string): Block {
  const [base = '', prefix = ''] = block.split('/')
  const { family, value } = parseIp(base) ?? { family: 4, value: 0n }
  return { family, first: value, last: value + (1n << (width[family] - BigInt(prefix))) - 1n }
}

/** Parsed when somebody asks: most scans need no answer. */
let parsed: readonly Block[] | undefined

/** Whether all addresses from `first` to `last` lie in one block that is not reachable from the Internet. */
export function isPrivate(family: Family, first: bigint, last: bigint): boolean {
  parsed ??= blocks.map(parse)
  return parsed.some((block) => block.family === family && block.first <= first && last <= block.last)
}
