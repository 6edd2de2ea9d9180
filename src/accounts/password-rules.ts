import { Buffer } from 'node:buffer'
import { nameKey } from '../text/names.ts'
import { accountLimits } from './limits.ts'

export type PasswordFault = 'short' | 'long' | 'common' | 'name' | 'same' | 'encoding'

export const passwordFaults: Readonly<Record<PasswordFault, string>> = {
  short: `A password has at least ${accountLimits.passwordMinCharacters} characters.`,
  long: `A password has at most ${accountLimits.passwordMaxBytes} bytes.`,
  common: 'That password is one of the commonest; everyone who guesses tries it first.',
  name: 'The password must not be the name.',
  same: 'The new password must not be the old one.',
  encoding: 'That password did not arrive as UTF-8; set your terminal or client to UTF-8.',
}

/** What some keyboards type in place of the blank: Unicode's other characters of category Zs. */
const otherSpaces = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g

/**
 * The bytes that are hashed, so that two keyboards type the same password: UTF-8 of the profile OpaqueString (RFC 8265, 4.2), every
 * space as U+0020 and in normal form C. It prescribes C and not KC: a wide letter stays another one than the narrow.
 */
export function passwordBytes(password: string): Buffer {
  return Buffer.from(normalised(password))
}

/** The same as it was hashed while spaces were kept apart; undefined where that is no other. */
export function olderPasswordBytes(password: string): Buffer | undefined {
  const older = password.normalize('NFC')
  return older === normalised(password) ? undefined : Buffer.from(older)
}

function normalised(password: string): string {
  return password.replace(otherSpaces, ' ').normalize('NFC')
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
  const text = normalised(password)
  if ([...text].length < accountLimits.passwordMinCharacters) return 'short'
  if (nameKey(password) === nameKey(name)) return 'name'
  return isCommon(text.toLowerCase()) ? 'common' : undefined
}

/** Listed, one character again and again, or one of these with the keyboard in the other layout: `зфыыцщкв` is `password`. */
function isCommon(text: string): boolean {
  return /^(.)\1*$/su.test(text) || commonPasswords.has(text) || commonPasswords.has(inOtherLayout(text))
}

/** The keys of both layouts, each in the same place. */
const latinKeys = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
const russianKeys = 'ёйцукенгшщзхъфывапролджэячсмитьбю'

/** What these keys give in the other of both layouts. */
function inOtherLayout(text: string): string {
  const [from, to] = /[а-яё]/.test(text) ? [russianKeys, latinKeys] : [latinKeys, russianKeys]
  return [...text].map((character) => to[from.indexOf(character)] ?? character).join('')
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
  пароль12 пароль123 пароль1234 пароль12345 парольпароль мойпароль новыйпароль секретный секрет123 йцукенгш йцукенгшщз
  йцукенгшщзхъ йцукен12 йцукен123 фывапрол фывапролд фывапролдж ячсмитьб йфяцычув абвгдежз абвгд123 абв12345
  привет12 привет123 приветик здравствуйте любовь12 любовь123 любимая1 любимый1 любимаямама люблютебя ятебялюблю тылучшая
  солнышко солнце123 зайчонок зайчик12 котенок1 котёнок1 ангелочек красотка красавица принцесса незабудка ромашка1
  мамапапа мамочка1 мама1234 мамамама папапапа мамаяпапа бабушка1 александр александра владимир екатерина анастасия
  елизавета валентина вероника виктория виктория1 кристина светлана татьяна1 людмила1 маргарита константин станислав
  вячеслав анатолий наташа12 наташа123 максим12 максим123 никита123 андрей12 андрей123 дмитрий1 сергей12 сергей123
  спартак1 динамо12 зенит123 россия12 россия123 москва12 москва123 петербург ленинград вконтакте одноклассники интернет
  компьютер клавиатура админ123 админ1234 администратор пользователь бухгалтер бухгалтерия директор1 начальник секретарь
  учитель1 студент1 студент123 университет информатика программист экзамен1 картошка самолёт1 самолет1 черепаха дельфин1
  футбол12 футбол123 хоккей12 победа12 победа1945 январь12 сентябрь ноябрь12 декабрь1 суперпароль непомню1 незнаюпароль
`

export const commonPasswords: ReadonlySet<string> = new Set(words.trim().split(/\s+/))
