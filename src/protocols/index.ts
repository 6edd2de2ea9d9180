import type { ProtocolDefinition } from '../serve/protocol.ts'

/** Every protocol that `netlab serve` knows, in the order of the help. One line each; none is imported before it is wanted. */
const loaders: Readonly<Record<string, () => Promise<ProtocolDefinition>>> = {
  echo: async () => (await import('./echo.ts')).echo,
  ident: async () => (await import('./ident.ts')).ident,
  auth: async () => (await import('./auth.ts')).auth,
  chat: async () => (await import('./chat.ts')).chat,
}

/** The names of all, in that order. */
export const protocolNames: readonly string[] = Object.keys(loaders)

/** Undefined when no protocol is called so. */
export async function findProtocol(name: string): Promise<ProtocolDefinition | undefined> {
  return Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined
}

/** For a thread, which gets the name of a protocol that was found before. */
export async function loadProtocol(name: string): Promise<ProtocolDefinition> {
  const found = await findProtocol(name)
  if (found === undefined) throw new Error(`no protocol is called ${name}`)
  return found
}

export function allProtocols(): Promise<ProtocolDefinition[]> {
  return Promise.all(Object.values(loaders).map((load) => load()))
}
