import { existsSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import packageJson from '../../package.json' with { type: 'json' }
import { executable } from '../support/executable.ts'
import { runNetlab } from '../support/run-netlab.ts'

describe('netlab from a shell', () => {
  test.each(['--version', '-V'])('%s prints the version', async (flag) => {
    expect(await runNetlab([flag])).toEqual({
      stdout: `netlab ${packageJson.version}\n`,
      stderr: '',
      exitCode: 0,
      signal: null,
    })
  })

  test.each([['--help'], ['help']])('%s prints the commands', async (...args) => {
    const { stdout, stderr, exitCode } = await runNetlab(args)
    expect(stdout).toMatch(/^Usage: netlab COMMAND/m)
    expect(stdout).toMatch(/^ {2}completion +print the script/m)
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  })

  test.each([[['completion', '--help', '--nonsense']], [['help', 'completion']]])(
    '%j prints the page of one command',
    async (args) => {
      const { stdout, stderr, exitCode } = await runNetlab(args)
      expect(stdout).toMatch(/^Usage: netlab completion \[shell\]/m)
      expect(stdout).toMatch(/^ +--shell bash\|zsh .*default bash; NETLAB_SHELL/m)
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    },
  )

  test('no command off a terminal prints the help as wrong usage', async () => {
    const { stdout, stderr, exitCode } = await runNetlab([])
    expect(stderr).toMatch(/^Usage: netlab COMMAND/m)
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 64 })
  })

  test.each([
    [['completoin'], 'netlab has no command "completoin"; did you mean completion?', 'netlab --help'],
    [['--port', '1'], "netlab has no option --port; options come after the command's name", 'netlab --help'],
    [['serve', 'ecko'], 'netlab serve has no command "ecko"; did you mean echo?', 'netlab serve --help'],
    [['serve', 'echo', '--prot', '1'], 'netlab serve echo has no option --prot; did you mean --port?', '--help'],
    [['completion', '--shel=zsh'], 'netlab completion has no option --shel; did you mean --shell?', '--help'],
    [['completion', '--shell'], '--shell needs a value', '--shell=VALUE'],
    [['completion', 'bash', 'zsh'], 'netlab completion takes no more than shell; "zsh" is one too many', '--help'],
    [['\x1b[2J'], 'netlab has no command "\\x1b[2J"', 'netlab --help'],
  ])('%j is refused in a sentence', async (args, sentence, hint) => {
    const { stdout, stderr, exitCode } = await runNetlab(args)
    const [first, second, ...more] = stderr.split('\n')
    expect(first).toBe(`netlab: ${sentence}`)
    expect(second).toContain(hint)
    expect({ stdout, exitCode, more }).toEqual({ stdout: '', exitCode: 64, more: [''] })
  })

  test.each([
    [['--port', '65536'], '--port: 65536 is not between 0 and 65535'],
    [['--threads', '0'], '--threads: 0 is not between 1 and 256'],
    [['--framing', 'morse'], '--framing: "morse" is none of auto, frames, text'],
  ])('serve echo %j is refused before anything starts', async (args, sentence) => {
    const { stdout, stderr, exitCode } = await runNetlab(['serve', 'echo', ...args])
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: `netlab: ${sentence}\n`, exitCode: 64 })
  })

  test('a variable that is wrong is refused by name', async () => {
    const { stdout, stderr, exitCode } = await runNetlab(['completion'], { env: { NETLAB_SHELL: 'fish' } })
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: '',
      stderr: 'netlab: NETLAB_SHELL: "fish" is none of bash, zsh\n',
      exitCode: 64,
    })
  })

  const full = existsSync('/dev/full') ? test : test.skip
  full.each(['--version', 'completion'])('%s to a full disk says so', async (word) => {
    const args = ['-c', '"$0" "$1" > /dev/full', executable, word]
    const { stdout, stderr, exitCode } = await runNetlab(args, { program: '/bin/sh' })
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: '',
      stderr: "netlab: can't write to standard output (ENOSPC)\n  send it where there is room\n",
      exitCode: 74,
    })
  })
})
