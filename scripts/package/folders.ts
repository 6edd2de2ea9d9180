import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where the binaries are put. */
export const distFolder = join(root, 'dist')

/** What is fetched or made on the way, and need not be fetched again. */
export const cacheFolder = join(root, 'node_modules', '.cache', 'netlab-package')
