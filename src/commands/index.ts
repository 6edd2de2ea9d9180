import type { CommandNode } from './command.ts'

/** Every command of netlab. Nothing of a command is imported before it is wanted. */
export const commands: readonly CommandNode[] = [
  {
    name: 'serve',
    summary: 'start a server: echo, ident, auth or chat',
    children: async () => (await import('./serve.ts')).serveCommands(),
    child: async (name) => (await import('./serve.ts')).findServeCommand(name),
    together: async (names) => (await import('./serve.ts')).serveTogether(names),
  },
  { name: 'scan', summary: 'find open TCP ports', load: async () => (await import('./scan/index.ts')).scan },
  {
    name: 'connect',
    summary: 'talk to a server: type lines or pipe bytes, see what comes back',
    load: async () => (await import('./connect/index.ts')).connect,
  },
  {
    name: 'chat-udp',
    summary: 'chat over UDP: join a relay, or be one with --serve',
    load: async () => (await import('./chat-udp/index.ts')).chatUdp,
  },
  {
    name: 'check',
    summary: 'grade a student’s program and explain its mistakes',
    load: async () => (await import('./check/index.ts')).check,
  },
  {
    name: 'control',
    summary: 'operate a running server: status, clients, kick, logs, stop …',
    load: async () => (await import('./control.ts')).control,
  },
  {
    name: 'completion',
    summary: 'print the script that completes netlab commands in a shell',
    load: async () => (await import('./completion.ts')).completion,
  },
]
