import { encodeFrame } from '../net/frame-codec.ts'
import { netLimits } from '../net/limits.ts'
import type { Session } from '../net/session.ts'
import { bytes, optional } from '../options/kinds.ts'
import { option } from '../options/spec.ts'
import { defineProtocol } from '../serve/protocol.ts'
import { CommandSpotter, type SpottedCommand } from './command-spotter.ts'

/** RFC 862 in spirit: every byte comes back, in order; the lines `exit` and `stop` end the conversation and the server. */
export const echo = defineProtocol({
  name: 'echo',
  summary: 'return what a client sends, until "exit"; "stop" ends the server',
  defaultPort: 9007,
  options: {
    portion: option({
      kind: optional(bytes(1, netLimits.frameBytes)),
      summary: 'read and return at most this much at a time',
      default: undefined,
      defaultText: '1024; portions that arrive together are returned together',
    }),
  },
  create({ portion }, { framing }) {
    // Without a demand, everything the system has is taken in one read: the same bytes in the same order, in fewer calls.
    const portionBytes = portion ?? netLimits.readBytes
    return {
      serve(session) {
        const spotter = new CommandSpotter(framing, netLimits.frameBytes)
        session.bytes({
          portionBytes,
          chunk(chunk) {
            let rest = chunk
            for (let found = spotter.push(rest); found !== undefined; found = spotter.push(rest)) {
              session.write(rest.subarray(0, found.end))
              rest = rest.subarray(found.end)
              if (obey(found.command, session, spotter) || rest.length === 0) return
            }
            session.write(rest)
          },
          end() {
            const command = spotter.end()
            if (command === undefined || !obey(command, session, spotter)) session.end('peer-closed')
          },
        })
      },
    }
  },
})

/** Returns whether the conversation is over. */
function obey(command: SpottedCommand, session: Session, spotter: CommandSpotter): boolean {
  if (command === 'exit') {
    session.end('exit')
    return true
  }
  const refusal = session.requestStop(spotter.foreign)
  if (refusal === undefined) {
    session.end('stopping')
    return true
  }
  session.write(spotter.dialect === 'frames' ? encodeFrame(refusal) : Buffer.from(`${refusal}\n`))
  return false
}
