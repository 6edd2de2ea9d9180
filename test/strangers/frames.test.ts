import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../support/executable.ts'
import { installed, type Stranger, talkToAll } from './dialogue.ts'
import { host, password } from './services.ts'

const peer = (file: string) => join(projectRoot, 'test', 'strangers', 'peers', file)

// Where somebody keeps a Python of their own, the system's packages are the system's Python's.
const pythons = [installed('python3'), '/usr/bin/python3']
const withTwisted = pythons.find(
  (python) => python !== undefined && spawnSync(python, ['-c', 'import twisted']).status === 0,
)

const strangers: readonly Stranger[] = [
  {
    name: "Python's struct '>I'",
    program: installed('python3'),
    args: (port) => [peer('python_frames.py'), host, port],
  },
  {
    name: "Twisted's Int32StringReceiver",
    program: withTwisted,
    args: (port) => [peer('twisted_frames.py'), host, port],
  },
  {
    name: "Erlang's {packet, 4}",
    program: installed('escript'),
    args: (port) => [peer('erlang_frames.escript'), host, port],
  },
]

const long = 'ü'.repeat(10_000)

talkToAll(strangers, {
  echo: () => [
    [undefined, 'Grüße'],
    ['Grüße\n', long],
    [`${long}\n`, 'exit'],
    ['exit\n', undefined],
  ],
  ident: () => [
    [undefined, '{"type":"hello"}'],
    ['{"type":"greeting","name":"Netcat","isNew":false}', '{"type":"whoami"}'],
    ['{"type":"greeting"', '{"type":"exit"}'],
    ['{"type":"bye","reason":"exit"', undefined],
  ],
  auth: () => [
    [undefined, JSON.stringify({ type: 'login', name: 'Ada', password })],
    [/"type":"welcome","name":"Ada","how":"login"/, '{"type":"whoami"}'],
    [/"type":"whoami","name":"Ada"/, '{"type":"exit"}'],
    ['{"type":"bye","reason":"exit"', undefined],
  ],
  chat: (name, { token }) => [
    [undefined, JSON.stringify({ type: 'resume', token })],
    ['"type":"welcome"', '{"type":"enter"}'],
    ['"type":"joined"', JSON.stringify({ type: 'say', room: 'lobby', text: `Grüße, ${name}` })],
    [`"text":"Grüße, ${name}"`, '{"type":"quit"}'],
    ['"type":"bye"', undefined],
  ],
})
