/**
 * Names that Node, OpenSSL inside it, or a cluster's parent gives a meaning to: they can load code and certificates, write
 * files, open channels, and print what threads are given, keys included. Not the two that others set everywhere (base images,
 * npm's habits) and that Node itself never reads.
 */
const obeyedByNode = /^(?!NODE_(ENV|VERSION)$)(NODE_|OPENSSL_|SSL_CERT_|WATCH_REPORT_DEPENDENCIES$)/i

/**
 * Those of them that are read when they are needed, or not at all in this binary: it is enough to take them away. Some machines
 * set them for everybody, and starting anew takes as long as starting.
 */
const readLater =
  /^(NODE_(OPTIONS|PATH|TLS_REJECT_UNAUTHORIZED|NO_WARNINGS|DISABLE_COLORS|REPL_\w+)|OPENSSL_\w+|SSL_CERT_\w+)$/i

/** Where Node finds certificates to trust, which it has noted by now and reads with the first TLS connection. */
const trusted = /^NODE_(EXTRA_CA_CERTS|USE_SYSTEM_CA)$/i

/** What is to become of an environment. */
export interface Cleaned {
  readonly environment: NodeJS.ProcessEnv
  /** Node has acted on some of what is left out. */
  readonly acted: boolean
}

/** The environment without what Node would obey; undefined when there is nothing of the kind. */
export function withoutNodeVariables(environment: NodeJS.ProcessEnv, words: readonly string[]): Cleaned | undefined {
  const names = Object.keys(environment)
  const obeyed = names.filter((name) => obeyedByNode.test(name))
  if (obeyed.length === 0) return undefined
  const tls = [...words, ...names].some((word) => /^(--|NETLAB_)tls/i.test(word))
  const acted = obeyed.some((name) => (trusted.test(name) ? tls : !readLater.test(name)))
  const kept = Object.entries(environment).filter(([name]) => !obeyedByNode.test(name))
  return { environment: Object.fromEntries(kept), acted }
}

/**
 * Leaves what Node obeys in the environment of the standalone binary. Where Node has acted on some of it by now, the program
 * starts anew in the same process; what it must not do even so far is ruled out in scripts/package/binary.ts. Windows cannot do that:
 * there, what has not been read yet is taken away.
 */
export function leaveNodeVariables(): void {
  const words = process.argv.slice(2)
  const cleaned = withoutNodeVariables(process.env, words)
  // What NODE_CHANNEL_FD asks for is open by now, and the variable gone.
  if (cleaned === undefined && process.channel === undefined) return
  const { environment, acted } = cleaned ?? { environment: process.env, acted: true }
  if (acted) {
    // Otherwise it is written when this program is left.
    if (process.env.NODE_V8_COVERAGE !== undefined) process.getBuiltinModule('node:v8').stopCoverage()
    if (process.platform !== 'win32') process.execve?.(process.execPath, [process.argv0, ...words], environment)
  }
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
}
