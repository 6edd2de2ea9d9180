import type { EventType } from '../base/events.ts'

/** winston's order: the smaller the number, the graver. */
export const levels = { error: 0, warning: 1, info: 2 } as const

export type Level = keyof typeof levels

const graver: Partial<Record<EventType, Level>> = {
  'port-taken': 'warning',
  limited: 'warning',
  refused: 'warning',
  'stop-refused': 'warning',
  'member-refused': 'warning',
  'login-failed': 'warning',
  throttled: 'warning',
  'log-gap': 'error',
  'thread-died': 'error',
  'accept-failed': 'warning',
  fault: 'error',
  'history-failed': 'error',
}

export function levelOf(type: EventType): Level {
  return graver[type] ?? 'info'
}
