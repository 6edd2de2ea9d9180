import { parentPort } from 'node:worker_threads'
import type { SimulatedNetwork } from './emulated-network.ts'
import { simulate } from './simulator.ts'

// Simulates networks in a plain thread: in jest's contexts each use of a global is looked up anew, which takes four times as long.
parentPort?.on('message', (networks: readonly SimulatedNetwork[]) => {
  parentPort?.postMessage(networks.map((network) => simulate(network)))
})
