/** The bounds of names and of what is said. */
export const textLimits = {
  /** A person's name in code points, after normalisation: what fits beside a message on one line. */
  personNameCodePoints: 32,
  /** A room's name in UTF-16 units, after normalisation: the same, with the `#` before it. */
  roomNameLength: 32,
  /** Combining marks on one letter; the most that living scripts stack is 4. */
  marksPerLetter: 4,
  /** Columns for the usage of a command in a table; a longer usage gets a line of its own, so that the table fits 80 columns. */
  usageColumns: 30,
} as const
