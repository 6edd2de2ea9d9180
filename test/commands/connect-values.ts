import type { connect } from '../../src/commands/connect/index.ts'

/** What `netlab connect 127.0.0.1` is given when nothing else is asked for; no time limit. */
export const connectValues: Parameters<typeof connect.run>[0] = {
  host: { host: '127.0.0.1' },
  port: undefined,
  framing: 'auto',
  hex: false,
  quiet: false,
  timeout: 0,
  tls: false,
  tlsCa: undefined,
  acceptNewKey: false,
  user: undefined,
  passwordFile: undefined,
  password: undefined,
  register: false,
  registrationCodeFile: undefined,
  registrationCode: undefined,
  session: true,
  insecure: false,
}
