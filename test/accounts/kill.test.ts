import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import { killWhileRegistering } from '../support/kill-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { longTestMs } from '../support/timeouts.ts'

jest.setTimeout(longTestMs(3))

test('a server that is killed under load loses no acknowledged registration and leaves a file that can be read', async () => {
  const path = join(temporaryFolder(), 'users.json')
  for (const [round, count] of [3, 40, 9].entries()) {
    const { acknowledged, lost } = await killWhileRegistering(path, `round ${round}`, count)
    expect(acknowledged).toBeGreaterThanOrEqual(count)
    expect(lost).toEqual([])
  }
})
