import { KnownHosts, SessionFile } from '../../src/commands/connect/state-files.ts'

/** Remembers servers and sessions of its own, a number of each. */
const [knownHosts = '', sessions = '', name = '', count = ''] = process.argv.slice(2)
for (let number = 0; number < Number(count); number++) {
  new KnownHosts(knownHosts).keep(`${name}.example`, number, 'AB:CD')
  new SessionFile(sessions).keep({ server: `${name}.example:${number}`, user: name, token: 'token' })
}
