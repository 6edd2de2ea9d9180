/** A healthy systemd answers at once. */
const answerMs = 5_000

/**
 * Tells systemd, where it asked for it (sd_notify(3)), that a server is ready or has begun to stop. Through
 * systemd-notify(1), which comes with systemd: Node has no datagram sockets of the Unix kind.
 */
export async function tellSupervisor(state: 'ready' | 'stopping'): Promise<void> {
  if ((process.env.NOTIFY_SOCKET ?? '') === '') return
  const { execFile } = await import('node:child_process')
  const words = [state === 'ready' ? 'READY=1' : 'STOPPING=1', `MAINPID=${process.pid}`]
  execFile('systemd-notify', words, { timeout: answerMs }, (error) => {
    if (error !== null && state === 'ready') process.stderr.write(`cannot tell systemd: ${error.message.trim()}\n`)
  })
}
