import { loginRows, resumeRows, stormRows } from './auth/load.ts'
import { storeRows } from './auth/room.ts'
import { printRows } from './auth/row.ts'

/** `npm run bench:auth`: what accounts cost, beside what was asked. Names of parts as arguments run only those. */
const parts = { store: storeRows, resumes: resumeRows, logins: loginRows, storm: stormRows }

const wanted = process.argv.slice(2)
for (const [name, rows] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(name)) printRows(await rows())
}
