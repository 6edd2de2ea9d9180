import { Buffer } from 'node:buffer'
import { nameKey } from '../text/names.ts'
import { accountLimits } from './limits.ts'

export type PasswordFault = 'short' | 'long' | 'common' | 'name' | 'same' | 'encoding'

export const passwordFaults: Readonly<Record<PasswordFault, string>> = {
  short: `A password has at least ${accountLimits.passwordMinBytes} bytes.`,
  long: `A password has at most ${accountLimits.passwordMaxBytes} bytes.`,
  common: 'That password is one of the commonest; everyone who guesses tries it first.',
  name: 'The password must not be the name.',
  same: 'The new password must not be the old one.',
  encoding: 'That password did not arrive as UTF-8; set your terminal or client to UTF-8.',
}

/** The bytes that are hashed: UTF-8 in normal form C, so that two keyboards type the same password (RFC 8265 4.2). */
export function passwordBytes(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}

/** What must hold for every attempt, whoever it names; undefined when it does. */
export function attemptFault(password: string): PasswordFault | undefined {
  // Before normalising: a text of this many UTF-16 units can't become short enough again.
  if (password.length > accountLimits.passwordMaxBytes * 3) return 'long'
  // All bytes that are no UTF-8 have become the same sign: a wrong password would pass for the right one.
  if (password.includes('\ufffd') || !password.isWellFormed()) return 'encoding'
  const { length } = passwordBytes(password)
  if (length < accountLimits.passwordMinBytes) return 'short'
  return length > accountLimits.passwordMaxBytes ? 'long' : undefined
}

/** What is wrong with a new password for `name`; undefined when it is good. */
export function passwordFault(password: string, name: string): PasswordFault | undefined {
  const fault = attemptFault(password)
  if (fault !== undefined) return fault
  if (nameKey(password) === nameKey(name)) return 'name'
  return commonPasswords.has(password.normalize('NFC').toLowerCase()) ? 'common' : undefined
}

/**
 * The commonest passwords of eight characters and more, lower case: words, keyboard walks and counts that lead every
 * published frequency table. Short on purpose: it refuses what is tried first, the growing delay does the rest.
 */
const words = `
  password password1 password12 password123 password1234 passw0rd p@ssword p@ssw0rd pa$$word passwort passwort1
  motdepasse contrasena password! password01 mypassword newpassword changeme changeit letmein1 letmeinn welcome1
  welcome123 welcome! administrator admin123 admin1234 administrator1 rootroot toortoor testtest test1234 guest123
  qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 qwertz123 azertyui azertyuiop asdfghjk asdfghjkl zxcvbnm1 zxcvbnm123
  1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 q1w2e3r4 q1w2e3r4t5 qazwsxedc zaq12wsx abcd1234 abc12345 a1b2c3d4 aaaaaaaa
  abcdefgh abcdefghi abcdefg1 12345678 123456789 1234567890 12345678910 87654321 987654321 0987654321 01234567
  0123456789 11111111 111111111 00000000 22222222 55555555 66666666 77777777 88888888 99999999 12341234 11223344
  12121212 10101010 123123123 112233445566 123321123 11112222 12344321 19841984 20002000 asdf1234 asdfasdf qweasdzxc
  iloveyou iloveyou1 iloveyou2 sunshine sunshine1 princess princess1 football football1 baseball baseball1 basketball
  superman superman1 batman123 spiderman starwars starwars1 pokemon1 pokemon123 minecraft dragon123 monkey123 shadow123
  master123 michael1 jennifer jessica1 jonathan samantha victoria elizabeth alexander christopher computer computer1
  internet internet1 whatever whatever1 trustno1 blink182 mustang1 corvette mercedes liverpool liverpool1 chelsea1
  arsenal1 barcelona manchester september november december butterfly chocolate elephant firebird garfield scorpion
  midnight creative bigdaddy babygirl babygirl1 lovelove loveyou1 mypass123 secret123 secretpassword hello123 hello1234
  helloworld hellohello freedom1 asdasdasd qweqweqwe zxczxczx google123 facebook facebook1 linkedin samsung1 iphone123
  access14 security server123 default1 summer2023 summer2024 summer2025 winter2023 winter2024 winter2025 spring2024
  spring2025 autumn2024 p455w0rd pa55word pa55w0rd passpass pass1234 pass12345 super123 user1234 username
`

export const commonPasswords: ReadonlySet<string> = new Set(words.trim().split(/\s+/))
