import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killWhileRegistering } from '../test/support/kill-store.ts'

/** `node bench/kill-store.ts [KILLS]`: kills a server under load again and again, each time on the file that the last one left. */
const kills = Number(process.argv[2] ?? 200)
const folder = mkdtempSync(join(tmpdir(), 'netlab-kill-'))
const path = join(folder, 'users.json')
let acknowledged = 0
let lost = 0
try {
  for (let kill = 0; kill < kills; kill++) {
    // A different moment each time: the acknowledgement that ends it comes at any point of the next rewrite.
    const aftermath = await killWhileRegistering(path, `kill ${kill}`, 1 + ((kill * 7) % 60))
    acknowledged += aftermath.acknowledged
    lost += aftermath.lost.length
  }
  console.log(
    `${kills} kills, ${acknowledged} registrations acknowledged, ${lost} lost, the file was readable each time`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = lost === 0 ? 0 : 1
