/** What a member has seen of its line, since it entered. */
export interface MemberStats {
  /** Datagrams from the relay, each counted once. */
  readonly received: number
  readonly lost: number
  readonly duplicates: number
  readonly reordered: number
  /** Parts of own messages that were sent more than once. */
  readonly sentAgain: number
  /** Undefined until something was acknowledged. */
  readonly roundTripMs: number | undefined
  readonly variationMs: number
}
