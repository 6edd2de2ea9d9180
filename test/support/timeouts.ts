/**
 * For a machine that is slower than two quiet cores, or shared: NETLAB_TEST_TIMEOUT_FACTOR=4 npm test. It makes no test
 * pass that would fail; it only waits longer before a hang is called one.
 */
const factor = Number(process.env.NETLAB_TEST_TIMEOUT_FACTOR ?? 1)

/** How long a journey waits for one thing before it fails: less than jest allows a test (jest.config.js). */
export const deadlineMs = 25_000 * factor

/** For a test that repeats what others do once, such as kills: so many times the ordinary timeout. */
export function longTestMs(times: number): number {
  return 30_000 * factor * times
}
