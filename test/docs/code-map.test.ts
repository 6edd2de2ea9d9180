import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { projectRoot } from '../support/executable.ts'

const src = join(projectRoot, 'src')
const map = readFileSync(join(src, 'README.md'), 'utf8')

test('every file that the map of the code names is there', () => {
  // `serve/listener.ts`, from src; `test/floors.test.ts`, from the top.
  const named = [...map.matchAll(/`([\w-]+(?:\/[\w-]+)*(?:\.test)?\.ts)`/g)].map(([, path = '']) => path)
  const missing = named.filter((path) => !existsSync(join(src, path)) && !existsSync(join(projectRoot, path)))
  expect(named.length).toBeGreaterThan(40)
  expect(missing).toEqual([])
})

test('every folder of src stands in the map', () => {
  const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(folders.map(({ name }) => name).filter((name) => !map.includes(`**${name}**`))).toEqual([])
})

test('the reading order of the tour is a sitting, not a week', () => {
  const [, tour = ''] = /## The tour\n(.*?)\n## /s.exec(map) ?? []
  const read = [...tour.matchAll(/^\d+\. `([^`]+\.ts)`/gm)].map(([, path = '']) => path)
  const lines = read.map((path) => readFileSync(join(src, path), 'utf8').split('\n').length)
  expect(read.length).toBeGreaterThan(3)
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(1_200)
})
