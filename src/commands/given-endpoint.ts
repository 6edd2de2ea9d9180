import { UsageError } from '../base/errors.ts'
import { type Endpoint, parseEndpoint } from '../net/address.ts'
import type { Kind } from '../options/kinds.ts'

/** A host as people write it: `host`, `host:port`, `::1`, `[::1]:port`. */
export const endpointKind: Kind<Endpoint> = { placeholder: 'HOST', parse: parseEndpoint }

/** The port, given with the host or by itself, if at all. @throws {UsageError} when it is given twice, and differs. */
export function givenPort(host: Endpoint | undefined, port: number | undefined): number | undefined {
  if (host?.port !== undefined && port !== undefined && host.port !== port) {
    throw new UsageError(`the port is given twice: ${host.port} with the host, and ${port}`, {
      hint: 'leave one of them',
    })
  }
  return host?.port ?? port
}
