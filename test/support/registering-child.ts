import { FileUserStore } from '../../src/accounts/user-store.ts'
import { systemClock } from '../../src/base/clock.ts'

/** Registers users without end, eight at a time, and tells each on stdout once it is acknowledged. To be killed. */
const [path = '', prefix = ''] = process.argv.slice(2)
const store = new FileUserStore({ path, clock: systemClock })
const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
let next = 0

async function register(): Promise<never> {
  for (;;) {
    const name = `${prefix} ${next++}`
    const { kind } = await store.register(name, hash)
    if (kind === 'registered') process.stdout.write(`${name}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, register))
