import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from '@jest/globals'
import { projectRoot } from '../support/executable.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const file = 'netlab-tls.pem'
const [server, certificate] = ['commands/server-certificate.ts', 'net/certificate.ts'].map((path) =>
  JSON.stringify(pathToFileURL(join(projectRoot, 'src', path)).href),
)

/** Starts a program that makes the certificate of a server in `cwd` and shows it; `before` is run first, with `fs` at hand. */
function makeCertificate(cwd: string, before = '') {
  const program = `
    import { X509Certificate } from 'node:crypto'
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    ${before}
    syncBuiltinESMExports()
    const { ServerCertificate } = await import(${server})
    const { current } = await ServerCertificate.open({ tls: true }, Date.now())
    console.log(new X509Certificate(current.cert).toString())`
  return runNetlab(['--input-type=module', '-e', program], { cwd, program: process.execPath })
}

function subject(pem: string): string {
  return new X509Certificate(pem).subject
}

test('a certificate is made once, and kept with its key for nobody else to read', async () => {
  const cwd = temporaryFolder()
  const first = await makeCertificate(cwd)
  const second = await makeCertificate(cwd)
  expect(subject(first.stdout)).toMatch(/^CN=/)
  expect(second.stdout).toBe(first.stdout)
  expect(readdirSync(cwd)).toEqual([file])
})

test('bug: a server killed while it wrote its certificate left half of it, and none started after that', async () => {
  const cwd = temporaryFolder()
  const killed = await makeCertificate(
    cwd,
    `const write = fs.writeFileSync
    fs.writeFileSync = (file, text, ...rest) => {
      write(file, text.slice(0, text.length / 2), ...rest)
      process.kill(process.pid, 'SIGKILL')
    }`,
  )
  expect(killed.signal).toBe('SIGKILL')
  const { stdout, stderr } = await makeCertificate(cwd)
  expect(stderr).toBe('')
  expect(subject(stdout)).toMatch(/^CN=/)
})

test('bug: of two servers that made a certificate at once, the slower one did not start', async () => {
  const cwd = temporaryFolder()
  const { stdout, stderr } = await makeCertificate(
    cwd,
    `const { selfSignedCertificate } = await import(${certificate})
    const faster = selfSignedCertificate('the faster one', Date.now())
    const look = fs.lstatSync
    fs.lstatSync = (...args) => {
      try {
        return look(...args)
      } finally {
        if (args[0] === '${file}' && !fs.existsSync('${file}')) fs.writeFileSync('${file}', faster.key + faster.cert)
      }
    }`,
  )
  expect(stderr).toBe('')
  expect(subject(stdout)).toBe('CN=the faster one')
  expect(readFileSync(join(cwd, file), 'utf8')).toContain(stdout.trim())
  expect(readdirSync(cwd)).toEqual([file])
})

test('a link to a file yet to be made is followed, and a link that leads nowhere is in the way', async () => {
  const cwd = temporaryFolder()
  symlinkSync('kept.pem', join(cwd, file))
  const { stdout } = await makeCertificate(cwd)
  expect(readFileSync(join(cwd, 'kept.pem'), 'utf8')).toContain(stdout.trim())
  expect(readdirSync(cwd).sort()).toEqual(['kept.pem', file])
  const elsewhere = temporaryFolder()
  symlinkSync('nowhere/at-all.pem', join(elsewhere, file))
  const { stderr } = await makeCertificate(elsewhere)
  expect(stderr).toMatch(/StorageError: cannot keep a new certificate in netlab-tls\.pem: there is no such file/)
})
