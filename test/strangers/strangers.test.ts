import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { projectRoot } from '../support/executable.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { type Dialogue, installed, type Stranger, talkToAll } from './dialogue.ts'
import { host, password, sharedServices } from './services.ts'

const bash = 'exec 3<>"/dev/tcp/$0/$1"; cat <&3 & while IFS= read -r line; do printf "%s\\n" "$line" >&3; done; wait'

const speakText: readonly Stranger[] = [
  { name: 'nc', program: installed('nc'), args: (port) => [host, port] },
  { name: 'ncat', program: installed('ncat'), args: (port) => [host, port] },
  { name: 'ncat --ssl', program: installed('ncat'), args: (port) => ['--ssl', host, port] },
  { name: 'socat', program: installed('socat'), args: (port) => ['-', `TCP:${host}:${port}`] },
  { name: 'socat with TLS', program: installed('socat'), args: (port) => ['-', `OPENSSL:${host}:${port},verify=0`] },
  { name: 'telnet', program: installed('telnet'), args: (port) => [host, port] },
  {
    name: 'openssl s_client',
    program: installed('openssl'),
    args: (port) => ['s_client', '-quiet', '-connect', `${host}:${port}`],
  },
  // Without `-T .` curl listens only after each line that it has read.
  {
    name: 'curl telnet://',
    program: installed('curl'),
    args: (port) => ['-sSN', '-T', '.', `telnet://${host}:${port}`],
  },
  { name: "bash's /dev/tcp", program: installed('bash'), args: (port) => ['-c', bash, host, port] },
]

talkToAll(speakText, {
  echo: (name): Dialogue => [
    [undefined, `Grüße, ${name}`],
    [`Grüße, ${name}`, 'exit'],
    ['exit', undefined],
  ],
  ident: () => [
    ['Hello, Netcat.', 'whoami'],
    ['Hello, Netcat.', 'exit'],
    ['Goodbye.', undefined],
  ],
  auth: () => [
    ['Name:', 'Ada'],
    ['Password', password],
    ['Welcome back, Ada.', 'whoami'],
    [/Ada, session \d+ from 127\.0\.0\.1/, 'exit'],
    ['Goodbye.', undefined],
  ],
  chat: (name, { token }) => [
    ['Name:', `resume ${token}`],
    ['you are in #lobby', `Grüße, ${name}`],
    [`#lobby Ada: Grüße, ${name}`, 'exit'],
    ['* goodbye', undefined],
  ],
})

const peer = (file: string) => join(projectRoot, 'test', 'strangers', 'peers', file)

// Where somebody keeps a Python of their own, the system's packages are the system's Python's.
const pythons = [installed('python3'), '/usr/bin/python3']
const withTwisted = pythons.find(
  (python) => python !== undefined && spawnSync(python, ['-c', 'import twisted']).status === 0,
)

const speakFrames: readonly Stranger[] = [
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

talkToAll(speakFrames, {
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

const pipes = [
  { name: 'nc -N', program: installed('nc'), args: ['-N', host] },
  { name: 'ncat', program: installed('ncat'), args: [host] },
]
for (const { name, program, args } of pipes) {
  const run = program === undefined ? test.skip : test.concurrent
  run(
    `a whole conversation through ${name} from a pipe${program === undefined ? ' (not installed here)' : ''}`,
    async () => {
      const { echo, auth } = await sharedServices()
      const say = (port: string, stdin: string) => runNetlab([...args, port], { program: program ?? '', stdin })
      const [echoed, logged] = await Promise.all([
        say(echo, 'one\ntwo\nthree'),
        say(auth, `Ada\n${password}\nwhoami\nexit\n`),
      ])
      expect(echoed).toMatchObject({ stdout: 'one\ntwo\nthree', exitCode: 0 })
      expect(logged.stdout).toMatch(/Welcome back, Ada\.\n[\s\S]*Ada, session \d+ from [\s\S]*Goodbye\.\n$/)
    },
  )
}
