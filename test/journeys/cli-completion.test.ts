import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { executable } from '../support/executable.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const bash = ['/bin/bash', '/usr/bin/bash'].find((file) => existsSync(file))

describe('completion in bash', () => {
  const run = bash === undefined ? test.skip : test
  run('the script completes commands, options and their values', async () => {
    const folder = temporaryFolder()
    symlinkSync(executable, join(folder, 'netlab'))
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
