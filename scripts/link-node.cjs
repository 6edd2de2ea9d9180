// Runs after `npm ci`, on whatever Node the system has: links the pinned Node into node_modules/.bin, where npm
// scripts and bin/netlab find it. Plain old CommonJS on purpose.
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const names = [`node-${platform}`, `node-bin-${platform}`]
const windows = process.platform === 'win32'

const binary = names
  .map((name) => path.join(root, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node'))
  .find((file) => fs.existsSync(file))

if (binary === undefined) {
  console.warn(`netlab: no pinned Node for ${platform}; the system's Node is used (24.20 or newer is needed)`)
} else {
  const link = path.join(root, 'node_modules', '.bin', windows ? 'node.exe' : 'node')
  fs.mkdirSync(path.dirname(link), { recursive: true })
  fs.rmSync(link, { force: true })
  try {
    fs.symlinkSync(path.relative(path.dirname(link), binary), link)
  } catch {
    fs.copyFileSync(binary, link)
  }
}
