import { writeSync } from 'node:fs'

/** What of jest's aggregated result is read here. */
interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
}

/** Ends jest's output with `N passed, N failed` on a line of its own, for machines. Its own summary stays above. */
export default class TallyReporter {
  onRunComplete(_contexts: unknown, results: Results): void {
    // A file that could not be run at all has no failed tests, but it did not pass.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    const tally = `${results.numPassedTests} passed, ${failed} failed\n`
    // jest prints its summary after asking the reporters.
    process.once('exit', () => writeSync(1, tally))
  }
}
