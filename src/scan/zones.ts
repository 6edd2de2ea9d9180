import { networkInterfaces, platform } from 'node:os'
import { NetworkError } from '../base/errors.ts'
import { formatIp, type IpAddress } from '../net/ip.ts'
import type { HostAddress } from './types.ts'

/**
 * The links of this system, by what a person may type as a zone, a name or a number (RFC 4007 11.2); the value is what the
 * system's own functions take.
 */
export type Zones = ReadonlyMap<string, string>

/** The links on which this system has a link-local address; from the others it can reach none. */
export function linkLocalZones(): Zones {
  const zones = new Map<string, string>()
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    for (const entry of entries) {
      if (entry.family !== 'IPv6' || entry.scopeid === 0) continue
      const number = String(entry.scopeid)
      const zone = platform() === 'win32' ? number : name
      zones.set(name, zone)
      zones.set(number, zone)
    }
  }
  return zones
}

/**
 * Whether this system has an address from which it can reach another. Where IPv6 is switched off a connect fails with the
 * same error as where all local ports are taken (EADDRNOTAVAIL).
 */
export function hasSourceFor({ address, family }: HostAddress, interfaces = networkInterfaces): boolean {
  if (family === 4) return true
  const own = Object.values(interfaces()).flatMap((entries = []) => entries.filter((entry) => entry.family === 'IPv6'))
  return own.some((entry) => (address === '::1' ? entry.address === '::1' : !entry.internal))
}

/** fe80::/10: every link has the same network of these, so that the address alone says nothing (RFC 4007 6). */
export function isLinkLocal({ family, value }: IpAddress): boolean {
  return family === 6 && value >> 118n === 0x3fan
}

/**
 * The zone of an address in the form that connects; elsewhere than on a link it means nothing.
 * @throws {NetworkError} when there is no such link.
 */
export function knownZone(ip: IpAddress, zones: () => Zones): string | undefined {
  if (ip.zone === undefined || !isLinkLocal(ip)) return undefined
  const links = zones()
  const zone = links.get(ip.zone)
  if (zone !== undefined) return zone
  const address = formatIp(6, ip.value)
  const names = [...new Set(links.values())]
  throw new NetworkError('ENODEV', `"${address}%${ip.zone}": this system has no link "${ip.zone}" in use`, {
    hint:
      names.length === 0
        ? 'no link has an IPv6 address here'
        : `there is ${names.map((n) => `${address}%${n}`).join(', ')}`,
  })
}
