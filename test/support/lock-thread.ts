import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../../src/base/errors.ts'
import { ownFile, tryFileLock } from '../../src/files/file-lock.ts'

/** In a thread: tries the lock of a file, then owns the file, tells of both, and gives it up when told to. */
const path: string = workerData
const locked = tryFileLock(path) !== undefined
try {
  const lock = ownFile(path, '--users')
  parentPort?.postMessage({ locked, owned: true })
  parentPort?.once('message', () => {
    lock.release()
    parentPort?.postMessage('released')
  })
} catch (error) {
  parentPort?.postMessage({ locked, owned: errorMessage(error) })
}
