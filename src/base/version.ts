import packageJson from '../../package.json' with { type: 'json' }

/** Of this netlab, as package.json tells. */
export const version: string = packageJson.version
