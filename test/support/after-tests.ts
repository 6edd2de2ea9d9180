import { afterAll } from '@jest/globals'

const tasks: (() => unknown)[] = []

/**
 * Runs `task` after the last test of this file. What was begun last is ended first, and waited for: a folder goes only
 * when the programs that were started in it have ended.
 */
export function afterTests(task: () => unknown): void {
  tasks.push(task)
}

afterAll(async () => {
  for (let task = tasks.pop(); task; task = tasks.pop()) await task()
})
