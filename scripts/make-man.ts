import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { version } from '../src/base/version.ts'
import { commands } from '../src/commands/index.ts'
import { manPage } from './man-page.ts'

// npm run man: docs/netlab.1 from the command tables.
writeFileSync(fileURLToPath(new URL('../docs/netlab.1', import.meta.url)), await manPage(commands, version))
