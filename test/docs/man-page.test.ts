import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { checkList } from '../../scripts/check-list.ts'
import { manPage } from '../../scripts/man-page.ts'
import { version } from '../../src/base/version.ts'
import { commands } from '../../src/commands/index.ts'
import { projectRoot } from '../support/executable.ts'

test('docs/netlab.1 is what `npm run man` makes of the command tables', async () => {
  expect(readFileSync(join(projectRoot, 'docs', 'netlab.1'), 'utf8')).toBe(await manPage(commands, version))
})

test('docs/check-checks.md is what `npm run man` makes of the tables of checks', () => {
  expect(readFileSync(join(projectRoot, 'docs', 'check-checks.md'), 'utf8')).toBe(checkList())
})
