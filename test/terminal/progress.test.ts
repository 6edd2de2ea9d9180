import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { percent, progressLine, shortTime } from '../../src/terminal/progress.ts'
import { ProgressBar } from '../../src/terminal/progress-bar.ts'
import { FakeScreen } from '../support/fake-terminal.ts'

const state = { done: 29_500, total: 65_535, rate: 12_345.6, etaMs: 2900, found: ['3 open', '12 filtered'] }

describe('the line', () => {
  test.each([
    [120, '[==================----------------------]   45%  29,500/65,535  12,346/s  ETA 3s  3 open  12 filtered'],
    [80, '[=======----------]   45%  29,500/65,535  12,346/s  ETA 3s  3 open  12 filtered'],
    [60, ' 45%  29,500/65,535  12,346/s  ETA 3s  3 open  12 filtered'],
    [40, ' 45%  29,500/65,535  ETA 3s  3 open'],
    [20, ' 45%  3 open'],
    [10, ' 45%'],
  ])('at %i columns', (columns, line) => {
    expect(progressLine(state, columns)).toBe(line)
  })

  test('property: never wider than the terminal, whatever it has to say', () => {
    fc.assert(
      fc.property(
        fc.nat(1e9),
        fc.nat(1e9),
        fc.nat(1e7),
        fc.integer({ min: 1, max: 200 }),
        (done, total, rate, columns) => {
          const line = progressLine({ ...state, done, total, rate }, columns)
          expect(line.length).toBeLessThanOrEqual(Math.max(1, columns - 1))
          expect(line).not.toMatch(/[\n\r]/)
        },
      ),
    )
  })

  test('100 % means that nothing is left, and then nothing is estimated', () => {
    expect(percent({ done: 65_534, total: 65_535 })).toBe(99)
    expect(percent({ done: 0, total: 0 })).toBe(100)
    expect(progressLine({ ...state, done: 65_535 }, 100)).not.toContain('ETA')
  })

  test.each([
    [0, '0s'],
    [1, '1s'],
    [59_000, '59s'],
    [61_000, '1m01s'],
    [3_599_001, '1h00m'],
    [7_500_000, '2h05m'],
  ])('%i ms is %s', (ms, written) => {
    expect(shortTime(ms)).toBe(written)
  })
})

describe('the bar', () => {
  const begin = { done: 0, total: 100, rate: 0, found: ['0 open'] }
  const screenOf = (columns: number) => {
    const screen = new FakeScreen(columns)
    return { screen, stream: screen as unknown as NodeJS.WriteStream }
  }

  test('stands on the last line of a narrow terminal, with what was found above it', () => {
    const { screen, stream } = screenOf(20)
    const bar = new ProgressBar(stream, begin)
    expect(screen.text).toEqual(['  0%  0/100  0 open'])
    bar.print('Port 22 open (ssh)')
    bar.print('Port 80 open (http)')
    expect(screen.text).toEqual(['Port 22 open (ssh)', 'Port 80 open (http)', '  0%  0/100  0 open'])
    bar.aside(() => screen.write('{"port":22}\n'))
    expect(screen.text.slice(2)).toEqual(['{"port":22}', '  0%  0/100  0 open'])
    bar.stop()
    expect(screen.text).toEqual(['Port 22 open (ssh)', 'Port 80 open (http)', '{"port":22}', ''])
  })

  test('never runs backwards', () => {
    const { screen, stream } = screenOf(60)
    const drawn: number[] = []
    const bar = new ProgressBar(stream, begin)
    screen.write = ((text: string) => {
      const shown = /(\d+)%/.exec(text)?.[1]
      if (shown !== undefined) drawn.push(Number(shown))
      return true
    }) as typeof screen.write
    for (const done of [10, 50, 40, 30, 60]) bar.update({ ...begin, done })
    bar.update({ ...begin, done: 20 })
    bar.stop()
    expect(drawn.at(-1)).toBe(60)
    expect(drawn).toEqual(drawn.toSorted((a, b) => a - b))
  })

  test('leaves a stream that is no terminal alone', () => {
    const { screen, stream } = screenOf(60)
    Object.defineProperty(screen, 'isTTY', { value: false })
    const bar = new ProgressBar(stream, begin)
    bar.update({ ...begin, done: 50 })
    bar.stop()
    expect(screen.text.join('')).toBe('')
  })
})
