/** The threads that each protocol's shared state starts for what it keeps: `main` starts them before anything is loaded. */
export const ownThreads: Readonly<Record<string, readonly string[]>> = {
  echo: [],
  ident: ['accounts'],
  auth: ['accounts'],
  chat: ['accounts', 'history'],
}
