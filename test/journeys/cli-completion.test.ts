import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { executable } from '../support/executable.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const shell = (name: string) => [`/bin/${name}`, `/usr/bin/${name}`].find((file) => existsSync(file))
const bash = shell('bash')
const zsh = shell('zsh')

/** A folder for PATH in which netlab is found. */
function folderOfNetlab(): string {
  const folder = temporaryFolder()
  symlinkSync(executable, join(folder, 'netlab'))
  return folder
}

describe('completion in bash', () => {
  const run = bash === undefined ? test.skip : test
  run('the script completes commands, options and their values', async () => {
    const folder = folderOfNetlab()
    const script = `
      source <(netlab completion bash)
      press_tab() { COMP_WORDS=(netlab "$@"); COMP_CWORD=$#; _netlab_complete; echo "\${COMPREPLY[*]}"; }
      press_tab serve ''
      press_tab serve echo --strict
      press_tab serve echo --framing t
      press_tab serve echo --log-file ''
      complete -p netlab`
    const { stdout, stderr, exitCode } = await runNetlab(['--norc', '-c', script], {
      program: bash ?? '',
      env: { PATH: `${folder}:${process.env.PATH}` },
    })
    const [servers, ...lines] = stdout.split('\n')
    expect(servers?.split(/\s/)).toContain('echo')
    expect(lines).toEqual(['--strict-port', 'text', '', 'complete -o default -F _netlab_complete netlab', ''])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  })
})

describe('completion in zsh', () => {
  const run = zsh === undefined ? test.skip : test
  run(
    `bug: the value of --option=value was not completed${zsh === undefined ? ' (skipped: no zsh)' : ''}`,
    async () => {
      const folder = folderOfNetlab()
      // What zsh has only while a Tab key is pressed.
      const script = `
      compdef() {}; compset() {}; _default() { echo files; }; _describe() { echo \${(P)2}; }
      source <(netlab completion zsh)
      press_tab() { words=(netlab "$@"); CURRENT=$#words; _netlab; }
      press_tab serve echo --log-to=b
      press_tab serve echo --framing t
      press_tab serve echo --log-file=`
      const { stdout, stderr } = await runNetlab(['-f', '-c', script], {
        program: zsh ?? '',
        env: { PATH: `${folder}:${process.env.PATH}` },
      })
      expect({ stdout, stderr }).toEqual({ stdout: 'both\ntext\nfiles\n', stderr: '' })
    },
  )
})
