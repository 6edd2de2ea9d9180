const ascii = /^[ -~]*$/

/**
 * Equal for names that differ only in case or presentation: what makes a name one person's, in the accounts and in the
 * chat. Upper case first: it is what unites ß with ss and both sigmas, which lower case alone keeps apart.
 */
export function nameKey(name: string): string {
  if (ascii.test(name)) return name.toLowerCase()
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}
