import { expect, test } from '@jest/globals'
import { RttEstimator } from '../../src/base/rtt.ts'

test('the first sample is the time itself, and half of it the variation (RFC 6298, 2.2)', () => {
  const rtt = new RttEstimator()
  expect([rtt.samples, rtt.smoothedMs, rtt.variationMs, rtt.expectedMs(1000)]).toEqual([0, 0, 0, 1000])
  rtt.sample(80)
  expect([rtt.samples, rtt.smoothedMs, rtt.variationMs, rtt.expectedMs(1000)]).toEqual([1, 80, 40, 240])
})

test('later ones count an eighth, and a quarter for the variation, which uses the old time (2.3)', () => {
  const rtt = new RttEstimator()
  rtt.sample(80)
  rtt.sample(160)
  expect(rtt.variationMs).toBe(0.75 * 40 + 0.25 * 80)
  expect(rtt.smoothedMs).toBe(0.875 * 80 + 0.125 * 160)
  expect(rtt.expectedMs(1000)).toBe(90 + 4 * 50)
})

test('a steady path is never expected more exactly than the clock can tell', () => {
  const rtt = new RttEstimator()
  for (let sample = 0; sample < 100; sample++) rtt.sample(50)
  expect(rtt.expectedMs(1000)).toBeLessThan(50.001)
  expect(rtt.expectedMs(1000, 5)).toBe(55)
})

test('after a reset the next sample is a first one', () => {
  const rtt = new RttEstimator()
  rtt.sample(10)
  rtt.sample(20)
  rtt.reset()
  expect(rtt.expectedMs(1000)).toBe(1000)
  rtt.sample(100)
  expect([rtt.smoothedMs, rtt.variationMs]).toEqual([100, 50])
})
