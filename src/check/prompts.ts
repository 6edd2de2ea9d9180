/** What a program that asks at its start is answered with. */
export interface PromptAnswers {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** A rule of the person who checks: the first answer whose pattern matches the question goes before everything below. */
export interface PromptRule {
  readonly pattern: RegExp
  readonly answer: string
}

type Wanted = 'pair' | 'host' | 'port' | 'yes' | 'menu' | 'name' | 'password' | 'key' | 'unknown'

/** English, Russian, Spanish, Italian, French, German, Portuguese, Chinese; only stems, so that cases and plurals match. */
const words: readonly (readonly [Exclude<Wanted, 'pair' | 'unknown'>, RegExp])[] = [
  [
    'host',
    /host|addr|\bip\b|ip-|хост|адрес|\bайпи|direcci|servidor|indirizz|server|сервер|adress|hôte|serveur|endereç|主机|地址|服务器/u,
  ],
  ['port', /port|порт|puert|socket number|номер|端口/u],
  ['password', /pass|пароль|парол|contraseñ|senha|kennwort|mot de passe|密码/u],
  ['menu', /\b1\s*[).:=-].*\b2\s*[).:=-]/u],
  [
    'name',
    /name|login|имя|зовут|логин|who\b|кто\b|nombre|nome|nom\b|nick|ник\b|user|пользовател|usuario|utente|benutzer|名/u,
  ],
  ['yes', /\by\s*\/\s*n\b|\bд\s*\/\s*н\b|yes\/no|да\/нет/u],
  ['key', /key|ключ|clave|chiave|schlüssel|clé|chave|密钥/u],
]

/** What a question asks for: the word that comes first in it says so. */
export function wantedBy(question: string): Wanted {
  const line = question.toLowerCase()
  const at = (wanted: Wanted): number => line.search(words.find(([word]) => word === wanted)?.[1] ?? /$^/)
  if (at('yes') >= 0) return 'yes'
  const [host, port] = [at('host'), at('port')]
  if (
    host >= 0 &&
    port > host &&
    /^[^\d]*(:|\band\b|\bи\b|\by\b|\be\b|\bund\b|\bet\b|和)/u.test(between(line, host, port))
  )
    return 'pair'
  let first: Wanted = 'unknown'
  let position = Number.POSITIVE_INFINITY
  for (const [wanted] of words) {
    const found = at(wanted)
    // "host name", "имя хоста", "номер порта": the more special word wins over the one beside it.
    if (found >= 0 && found < position - (first === 'name' ? -40 : 0)) {
      if (first !== 'unknown' && wanted === 'name' && first !== 'password') continue
      first = wanted
      position = found
    }
  }
  return first
}

function between(line: string, from: number, to: number): string {
  return line.slice(from, to)
}

/**
 * What to type for a question that has come for the `round`th time in a row (from 0): the same question again means that the
 * answer before was refused.
 */
export function answerFor(
  question: string,
  round: number,
  answers: PromptAnswers,
  rules: readonly PromptRule[] = [],
): string {
  const rule = rules.find(({ pattern }) => pattern.test(question))
  if (rule !== undefined && round === 0) return rule.answer
  const choices = choicesFor(wantedBy(question), question, answers)
  return choices[Math.min(round, choices.length - 1)] ?? ''
}

function choicesFor(
  wanted: Wanted,
  question: string,
  { host, port, user, password }: PromptAnswers,
): readonly string[] {
  switch (wanted) {
    case 'pair':
      return question.includes(':') && /[^\s]:[^\s]|host:port|ip:port|:\s*port/iu.test(question.toLowerCase())
        ? [`${host}:${port}`, `${host} ${port}`, '']
        : [`${host} ${port}`, `${host}:${port}`, '']
    case 'host':
      return [host, 'localhost', '', String(port)]
    case 'port':
      return [String(port), '', String(port + 1), host]
    case 'yes':
      return ['y', 'да', 'yes', '']
    case 'menu':
      return ['1', '2', '']
    case 'name':
      return [user, `${user}2`, '']
    case 'password':
      return [password, '']
    case 'key':
      return ['1', '']
    case 'unknown':
      return [String(port), host, '']
  }
}
