import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import type { Clock, Timer } from '../base/clock.ts'
import { errorCode, NetworkError } from '../base/errors.ts'
import { connectError } from '../net/connect-error.ts'
import { deriveRoomKey, type KeySchedule, keyScheduleFrom } from './aead.ts'
import { type Address, datagramSocket, resolveAddresses } from './datagram-socket.ts'
import { datagramLimits } from './limits.ts'
import { type LocalAddress, localAddresses, watchAddresses } from './local-addresses.ts'
import { MemberEndpoint } from './member.ts'
import type { MemberDeps, MemberEvent } from './member-interface.ts'
import { emulatedPaths, type NetworkEmulatorOptions } from './network-emulator.ts'

export interface MemberConnectionOptions {
  readonly host: string
  readonly port: number
  /** Where the relay is, each time that a path to it is sought. Undefined: at the host's addresses. */
  readonly lookUp?: () => Promise<readonly Address[]>
  readonly name: string
  /** Empty: any room. */
  readonly room: string
  /** From the room key's phrase, by `keysFromPhrase`. */
  readonly deriveKeys: MemberDeps['deriveKeys']
  /** Emulates a bad network in both directions. */
  readonly network: NetworkEmulatorOptions | undefined
}

export interface MemberConnection {
  readonly member: MemberEndpoint
  close(): void
}

/**
 * Connects a member to a relay and starts to join. `show` gets what happens; `unreachable` is called once, before `entered`, when no
 * address of the relay takes datagrams at this port.
 * @throws {NetworkError} when the name has no address.
 */
export async function connectMember(
  options: MemberConnectionOptions,
  clock: Clock,
  show: (event: MemberEvent) => void,
  unreachable: (error: NetworkError) => void,
): Promise<MemberConnection> {
  const { host, port, lookUp = () => resolveAddresses(host) } = options
  const { outward, inward } = emulatedPaths(options.network, clock)
  const path = new RelayPath(await lookUp(), { lookUp, port, clock })
  const member = new MemberEndpoint(options, {
    clock,
    random: randomBytes,
    deriveKeys: options.deriveKeys,
    show(event) {
      if (event.type === 'entered') path.keep(() => member.pathChanged())
      show(event)
    },
    send: (datagram) => outward(() => path.send(datagram)),
    renewPath: (ready) => path.renew(ready),
  })
  path.onDatagram = (datagram) => inward(() => path.isClosed || member.receive(datagram))
  path.find(
    () => member.join(),
    (error) => unreachable(unreachableError(error, host, port)),
  )
  return {
    member,
    close() {
      path.close()
      member.close()
    },
  }
}

interface PathOptions {
  readonly lookUp: () => Promise<readonly Address[]>
  readonly port: number
  readonly clock: Clock
}

/**
 * The way to a relay: one connected socket at a time. Once a member is in, it is made anew when it broke: the machine may have
 * another address by then, and the relay too. Until the name is found again the addresses that were known are tried in turn.
 */
class RelayPath {
  onDatagram: (datagram: Buffer) => void = () => undefined
  isClosed = false
  readonly #options: PathOptions
  #addresses: readonly Address[]
  /** Which of them is in use. */
  #index = 0
  /** The socket that is open, or about to be. */
  #current: Socket | undefined
  /** The same once one can send. */
  #socket: Socket | undefined
  /** The machine's address that the socket speaks from, where the list of its interfaces has it. */
  #source: string | undefined
  #onChange: (() => void) | undefined
  #watch: { close(): void } | undefined
  /** Sends to the next address; undefined once something was heard. */
  #seek: ((datagram: Buffer) => void) | undefined
  #sentMs = Number.POSITIVE_INFINITY
  #resolving = false
  /** Sockets made since something was heard. */
  #renewals = 0
  #renewal: Timer | undefined

  constructor(addresses: readonly Address[], options: PathOptions) {
    this.#addresses = addresses
    this.#options = options
  }

  /** Opens a socket to the first address that takes datagrams, as far as the system tells until `keep`. */
  find(ready: () => void, failed: (error: unknown) => void): void {
    this.#open(ready, (error) => {
      if (this.#onChange !== undefined || this.isClosed) return
      const refused = this.#addresses[this.#index]
      this.#addresses = this.#addresses.filter((address) => address !== refused)
      if (this.#addresses.length > 0) {
        this.#index %= this.#addresses.length
        this.find(ready, failed)
      } else {
        this.#drop()
        failed(error)
      }
    })
    this.#seek = (datagram) => {
      this.#index = (this.#index + 1) % this.#addresses.length
      this.find(() => this.#socket?.send(datagram), failed)
    }
  }

  /** While nothing was ever heard, what is sent again goes to the next address: the first may swallow everything without a word. */
  send(datagram: Buffer): void {
    const { clock } = this.#options
    const isLater = clock.monotonic() - this.#sentMs >= datagramLimits.minTimeoutMs
    this.#sentMs = clock.monotonic()
    if (this.#seek !== undefined && isLater && this.#addresses.length > 1) this.#seek(datagram)
    else this.#socket?.send(datagram)
  }

  /** From now on the path is mended when it breaks; `onChange` hears of each new socket that was not asked for. */
  keep(onChange: () => void): void {
    this.#renewals = 0
    this.#onChange = onChange
    this.#watch ??= watchAddresses(this.#options.clock, (all) => this.#look(all))
  }

  /** Another socket, to the next address. Calls `ready` once, also when the system knows no way there at the moment. */
  renew(ready: () => void): void {
    this.#renewal?.cancel()
    this.#renewal = undefined
    this.#resolve()
    // The address that was right until now comes first.
    if (this.#renewals > 0) this.#index += 1
    this.#renewals += 1
    let told = false
    const tell = (): void => {
      if (told) return
      told = true
      ready()
    }
    this.#open(tell, (error) => {
      tell()
      if (isLocal(error)) this.#mend()
    })
  }

  close(): void {
    this.isClosed = true
    this.#watch?.close()
    this.#renewal?.cancel()
    this.#drop()
  }

  #open(ready: () => void, failed: (error: unknown) => void): void {
    this.#drop()
    const address = this.#addresses[this.#index % this.#addresses.length]
    if (address === undefined || this.isClosed) return
    // Connected, so that the system drops what others send us and tells when nobody listens at the port (ICMP).
    const socket = datagramSocket(address.family)
    // As an event, not as connect's callback: that is called for failures too, which then are no 'error' event.
    socket.once('connect', () => {
      if (this.#current !== socket) return
      this.#socket = socket
      this.#look(localAddresses())
      ready()
    })
    socket.on('message', (datagram) => {
      this.#renewals = 0
      this.#seek = undefined
      this.onDatagram(datagram)
    })
    socket.on('error', (error) => {
      if (this.#current !== socket) return
      // Once joined, an ICMP error says no more than silence does: it may be forged, or pass.
      if (this.#onChange === undefined || this.#socket === undefined) failed(error)
      else if (isLocal(error)) this.#mend()
    })
    this.#current = socket
    socket.connect(this.#options.port, address.address)
  }

  #drop(): void {
    this.#current?.removeAllListeners('message').close()
    this.#current = undefined
    this.#socket = undefined
    this.#source = undefined
  }

  /** Mends the path when the address that it begins at was there and is no more: an interface that just came up is not yet said to be. */
  #look(all: readonly LocalAddress[]): void {
    const from = this.#socket?.address().address
    const now = all.find(({ address }) => address === from)?.id
    if (this.#source !== undefined && now !== this.#source) this.#mend()
    else this.#source = now
  }

  /** At once, and then ever more rarely while it does not help. */
  #mend(): void {
    if (this.#renewal !== undefined || this.isClosed) return
    const { rejoinMs, rejoinMaxMs } = datagramLimits
    const delayMs = Math.min(rejoinMaxMs, rejoinMs * this.#renewals)
    this.#renewal = this.#options.clock.after(delayMs, () => this.renew(() => this.#onChange?.()), { background: true })
  }

  /** In the background: with no network it may take long, or fail. What was not known until now is tried next. */
  #resolve(): void {
    if (this.#resolving) return
    this.#resolving = true
    this.#options.lookUp().then(
      (found) => {
        this.#resolving = false
        const isKnown = ({ address }: Address) => this.#addresses.some((one) => one.address === address)
        if (found.every(isKnown)) return
        const current = this.#addresses[this.#index % this.#addresses.length]
        const others = found.filter(({ address }) => address !== current?.address)
        const fresh = others.filter((address) => !isKnown(address))
        this.#addresses = [current ?? [], fresh, others.filter(isKnown)].flat()
        this.#index = 0
      },
      () => {
        this.#resolving = false
      },
    )
  }
}

/** Whether the error is this machine's, and not an answer from the network: its address or its way there is gone. */
function isLocal(error: unknown): boolean {
  return errorCode(error) !== 'ECONNREFUSED'
}

function unreachableError(error: unknown, host: string, port: number): NetworkError {
  if (errorCode(error) !== 'ECONNREFUSED') return connectError(error, host, port)
  return new NetworkError('ECONNREFUSED', `no relay answers at ${host} port ${port}`, {
    hint: `start one there with: netlab chat-udp --serve --port ${port}`,
    cause: error,
  })
}

/** Derives the room key from the phrase, once for a relay's salt: it takes a third of a second. */
export function keysFromPhrase(phrase: string): NonNullable<MemberDeps['deriveKeys']> {
  const made = new Map<string, Promise<KeySchedule>>()
  return (salt, done) => {
    const id = salt.toString('hex')
    const making = made.get(id) ?? deriveRoomKey(phrase, Buffer.from(salt)).then(keyScheduleFrom)
    made.clear()
    made.set(id, making)
    void making.then(done)
  }
}
