import fc from 'fast-check'

// Loaded before every test file by `npm run fuzz`: all properties, also those that name no number of runs, use its seed.
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED), numRuns: Number(process.env.FUZZ_RUNS) })
