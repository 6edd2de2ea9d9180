import { networkInterfaces, platform } from 'node:os'
import type { Clock, Timer } from '../base/clock.ts'
import { datagramLimits } from './limits.ts'

/** An address of this machine, on an interface that is up. */
export interface LocalAddress {
  /** With its zone, where it is good on one link only: it can be bound as it is. */
  readonly address: string
  readonly family: 4 | 6
  /** The interface as the system takes it behind `%`. */
  readonly zone: string
  /** The address and its interface: another one once that was replaced, even by one of the same name. */
  readonly id: string
}

/** The addresses of this machine; none where the system does not tell. */
export function localAddresses(): readonly LocalAddress[] {
  return Object.entries(interfaces()).flatMap(([name, addresses = []]) => {
    return addresses.map((one) => {
      const { address, family, mac } = one
      // The interface's number, which the system tells with link-local addresses only.
      const index = one.family === 'IPv6' ? one.scopeid : 0
      const zone = platform() === 'win32' ? String(index) : name
      return {
        address: index > 0 ? `${address}%${zone}` : address,
        family: family === 'IPv6' ? 6 : 4,
        zone,
        id: `${address} ${name} ${mac} ${index}`,
      }
    })
  })
}

/** Looks at once, and then every second until it is closed: no event of Node's tells of an address that comes or goes. */
export function watchAddresses(clock: Clock, look: (all: readonly LocalAddress[]) => void): { close(): void } {
  let timer: Timer | undefined
  let closed = false
  const next = (): void => {
    look(localAddresses())
    if (!closed) timer = clock.after(datagramLimits.addressWatchMs, next, { background: true })
  }
  next()
  return {
    close() {
      closed = true
      timer?.cancel()
    },
  }
}

function interfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces()
  } catch {
    // Some sandboxes forbid it.
    return {}
  }
}
