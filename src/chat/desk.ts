import type { AccountRequest } from './commands.ts'

/**
 * The accounts behind the chat, as one connection reaches them. What is asked and answered there is nobody else's business.
 * Both calls resolve when it is answered, with whether the connection goes on.
 */
export interface Desk {
  /** A person was asked for a password: the next line is the answer, whatever it looks like, and nothing for the room. */
  readonly asking: boolean
  answer(line: string): Promise<boolean>
  /** A password change that has no passwords yet begins by asking for them. */
  take(request: AccountRequest): Promise<boolean>
}
