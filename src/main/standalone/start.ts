import { leaveNodeVariables } from './environment.ts'

// What the standalone binary starts with. Nothing else is run in an environment that Node obeys.
leaveNodeVariables()
void import('../cli.ts')
