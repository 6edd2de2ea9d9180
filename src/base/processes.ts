/** What a lock must know of the system's processes; `main` gives it. */
export interface Processes {
  readonly pid: number
  /** True also for a process of another user. */
  isAlive(pid: number): boolean
}
