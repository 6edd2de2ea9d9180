import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { version } from '../src/base/version.ts'
import { commands } from '../src/commands/index.ts'
import { checkList } from './check-list.ts'
import { manPage } from './man-page.ts'

// npm run man: docs/netlab.1 and docs/check-checks.md from the tables of commands and checks.
writeFileSync(fileURLToPath(new URL('../docs/netlab.1', import.meta.url)), await manPage(commands, version))
writeFileSync(fileURLToPath(new URL('../docs/check-checks.md', import.meta.url)), checkList())
