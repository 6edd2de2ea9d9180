import { executable } from './executable.ts'
import { keys, Terminal } from './terminal.ts'

/** A shell with job control in which netlab has just been started. */
export async function shellWith(words: string): Promise<Terminal> {
  const shell = new Terminal(['--norc', '-i'], { program: 'bash', env: { PS1: 'shell$ ' } })
  await shell.see('shell$ ')
  shell.press(`"${executable}" ${words}`, keys.enter)
  return shell
}

/** Ctrl-Z. */
export async function stop(shell: Terminal): Promise<void> {
  shell.press('\x1a')
  await shell.see('Stopped')
  await shell.see('shell$ ')
}

/** Ctrl-Z, and back. */
export async function stopAndGoOn(shell: Terminal): Promise<void> {
  await stop(shell)
  shell.press('fg', keys.enter)
}
