/** Makes callbacks of streams in which whatever goes wrong ends the conversation, through `reject`, instead of the process. */
export function guardedBy(reject: (error: unknown) => void) {
  return <T extends unknown[]>(action: (...args: T) => void) =>
    (...args: T): void => {
      try {
        action(...args)
      } catch (error) {
        reject(error)
      }
    }
}
