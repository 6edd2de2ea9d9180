/**
 * Names that Node, OpenSSL inside it, or a cluster's parent gives a meaning to: they can load code and certificates, write
 * files, open channels, and print what threads are given, keys included. Not the two that others set everywhere (base images,
 * npm's habits) and that Node itself never reads.
 */
const obeyedByNode = /^(?!NODE_(ENV|VERSION)$)(NODE_|OPENSSL_|SSL_CERT_|WATCH_REPORT_DEPENDENCIES$)/i

/** The same environment without what Node would obey; undefined when there is nothing of the kind. */
export function withoutNodeVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv | undefined {
  const entries = Object.entries(environment)
  const kept = entries.filter(([name]) => !obeyedByNode.test(name))
  return kept.length === entries.length ? undefined : Object.fromEntries(kept)
}

/**
 * Starts the standalone binary anew in the same process, where its environment has something for Node: that has acted on some of
 * it by now. What it must not do even so far is ruled out in scripts/package/binary.ts. Windows cannot do that: there, what has
 * not been read yet is taken away.
 */
export function leaveNodeVariables(): void {
  // What NODE_CHANNEL_FD asks for is open by now, and the variable gone.
  const environment = withoutNodeVariables(process.env) ?? (process.channel === undefined ? undefined : process.env)
  if (environment === undefined) return
  // Otherwise it is written when this program is left.
  process.getBuiltinModule('node:v8').stopCoverage()
  if (process.platform !== 'win32') {
    process.execve?.(process.execPath, [process.argv0, ...process.argv.slice(2)], environment)
  }
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
}
