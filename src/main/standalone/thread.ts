import { runProgram } from './program.ts'

// The first program of every thread in the standalone binary: it runs the one that `startThread` named.
const [, , entry = ''] = process.argv
runProgram(entry)
