import type * as program from '../main.ts'
import { runProgram } from './program.ts'

// Stands where main.ts stood in the standalone binary's first program, which stays small and starts fast.
export const { main } = runProgram('main') as typeof program
