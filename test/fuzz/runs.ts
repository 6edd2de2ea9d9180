/** How often a property is tried: a little in the suite, as often as `npm run fuzz` says there. */
export const runs = Number(process.env.FUZZ_RUNS ?? 100)
