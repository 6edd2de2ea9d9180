import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** What the journeys run: bin/netlab, or the file that NETLAB_EXECUTABLE names, such as the standalone binary. */
export const executable = process.env.NETLAB_EXECUTABLE ?? join(projectRoot, 'bin', 'netlab')
