import { registeredServices } from './registered-services.ts'

/** Names in daily use that differ from IANA's; accepted where a port may be named, never printed. */
const aliases: Readonly<Record<string, number>> = {
  auth: 113,
  dns: 53,
  imap2: 143,
  'iso-ts': 102,
  jabber: 5222,
  kerberos5: 88,
  memcached: 11211,
  mssql: 1433,
  netbios: 139,
  oracle: 1521,
  'pop-3': 110,
  portmapper: 111,
  postgres: 5432,
  rdp: 3389,
  rpcbind: 111,
  smb: 445,
  smtps: 465,
  subversion: 3690,
  vnc: 5900,
  whois: 43,
  www: 80,
  zookeeper: 2181,
}

const nameOf = new Map<number, string>()
const portOf = new Map<string, number>()
for (const entry of registeredServices.trim().split(/,\s+/)) {
  const [port, name] = entry.split(' ')
  if (port === undefined || name === undefined) continue
  nameOf.set(Number(port), name)
  // A name registered twice means its lower port: `http-alt` is found on 591, 8008 and 8080.
  if (!portOf.has(name.toLowerCase())) portOf.set(name.toLowerCase(), Number(port))
}

/** The service IANA registers for a TCP port: a guess by number, not what was heard there. */
export function serviceName(port: number): string | undefined {
  return nameOf.get(port)
}

/** The port of a service, by IANA's name or one in daily use; letter case does not matter. */
export function servicePort(name: string): number | undefined {
  const word = name.toLowerCase()
  return portOf.get(word) ?? (Object.hasOwn(aliases, word) ? aliases[word] : undefined)
}

/** Every port with a name, ascending. */
export function namedPorts(): readonly number[] {
  return [...nameOf.keys()].sort((a, b) => a - b)
}
