// Threads that tests start read our sources: compiled once, they start in half the time. Test workers inherit this.
process.env.NODE_COMPILE_CACHE ??= new URL('node_modules/.cache/netlab', import.meta.url).pathname

/** @type {import('jest').Config} */
export default {
  // Most tests wait for sockets, threads and children: one worker a core, not one less.
  maxWorkers: '100%',
  testEnvironment: 'node',
  // Nothing that works takes this long on two quiet cores; NETLAB_TEST_TIMEOUT_FACTOR is for slower machines.
  testTimeout: 30_000 * Number(process.env.NETLAB_TEST_TIMEOUT_FACTOR ?? 1),
  // A worker has nothing left to do at its end, but half a gigabyte to take apart: 0.1 s, and more than jest's half a second
  // beside busy processes. One that is really held by something is still told of.
  workerGracefulExitTimeout: 15_000,
  reporters: ['default', '<rootDir>/test/support/tally-reporter.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // ts-jest only transpiles here (isolated modules), so it rewrites `./x.ts` to `./x.js`; map it back.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: { isolatedModules: true, noEmit: false } }] },
}
