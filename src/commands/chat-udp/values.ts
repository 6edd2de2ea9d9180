import type { Values } from '../../options/spec.ts'
import type { chatUdpOptions } from './options.ts'

export type ChatUdpValues = Values<typeof chatUdpOptions>
