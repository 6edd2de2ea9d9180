/**
 * Lets the event loop turn until the condition holds.
 * @throws when it does not within so many turns, so that a test that has lost what it waits for ends and says so.
 */
export async function turnUntil(condition: () => boolean, turns = 200_000): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (condition()) return
    await new Promise(setImmediate)
  }
  throw new Error(`it did not happen within ${turns} turns of the event loop`)
}
