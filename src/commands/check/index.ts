import { defineCommand } from '../command.ts'
import { checkOptions } from './options.ts'

/** `netlab check`: grades a program and explains its mistakes. */
export const check = defineCommand({
  name: 'check',
  summary: 'grade a student’s program and explain its mistakes',
  positionals: [{ name: 'task' }],
  options: checkOptions,
  examples: [
    ["netlab check echo-server --cmd 'python3 server.py'", 'try everything, explain what fails'],
    ['netlab check echo-server --connect 192.0.2.7:9090', 'a server that runs already'],
    ["netlab check echo-server --build 'gcc -o s server.c' --cmd './s {port}'", 'compile it first'],
    ['netlab check echo-server --list', 'the checks, with their levels'],
    ['netlab check --explain echo.utf8', 'what one check does, and how its mistake is mended'],
  ],
  epilogue:
    'The program runs in a copy of its folder, without a network, in namespaces of its own where the system allows it.\nExit codes: 0 all core checks passed, 1 a core check failed, 2 only an extra one failed, 65 it can’t be built, 75 it could not be told, 124 the time was over.',
  async run(values, context) {
    return (await import('./run.ts')).runCheck(values, context)
  },
})
