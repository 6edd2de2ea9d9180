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

type Question = 'pair' | 'host' | 'port' | 'yes' | 'menu' | 'name' | 'password' | 'key' | 'unknown'

// English, Russian, Spanish, Italian, French, German, Portuguese, Chinese; stems only, so that cases and plurals match.
const host = /host|addr|(?<!\p{L})ip(?!\p{L})|хост|адрес|айпи|direcci|indirizz|adress|hôte|endereç|主机|地址/u
/** Weaker: "server port" asks for a port. */
const server = /server|сервер|servidor|serveur|服务器/u
const port = /port|порт|puert|socket number|номер|端口/u
const name =
  /name|login|имя|зовут|логин|who|кто|nombre|nome|nom(?!\p{L})|nick|ник(?!\p{L})|user|пользовател|usuario|utente|benutzer|名/u
/** What makes one question of a host and a port. */
const joint = /^[\p{L}\s\d.]{0,20}(:|,|\/|\s(and|и|y|e|und|et)\s|和)[\s\p{L}]{0,12}$/u
/** Asked for in words that mean nothing else. */
const plain: readonly (readonly [Question, RegExp])[] = [
  ['yes', /(?<!\p{L})(y\s*\/\s*n|д\s*\/\s*н)(?!\p{L})|yes\/no|да\/нет/u],
  ['menu', /(?<!\d)1\s*[).:=-].*(?<!\d)2\s*[).:=-]/u],
  ['password', /pass|парол|contraseñ|senha|kennwort|mot de passe|密码/u],
  ['key', /key|ключ|clave|chiave|schlüssel|clé|chave|密钥/u],
]

/** What a question asks for. */
export function wantedBy(question: string): Question {
  const line = question.toLowerCase()
  for (const [wanted, words] of plain) if (words.test(line)) return wanted
  const at = { host: line.search(host), port: line.search(port), name: line.search(name) }
  if (at.host >= 0 && at.port > at.host && joint.test(line.slice(at.host, at.port))) return 'pair'
  // "host name", "имя хоста".
  if (at.host >= 0 && at.name >= 0 && Math.abs(at.host - at.name) < 12) return 'host'
  const first = (['host', 'port', 'name'] as const)
    .filter((wanted) => at[wanted] >= 0)
    .sort((one, other) => at[one] - at[other])[0]
  return first ?? (server.test(line) ? 'host' : 'unknown')
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

function choicesFor(wanted: Question, question: string, answers: PromptAnswers): readonly string[] {
  const { user, password } = answers
  const [address, number] = [answers.host, String(answers.port)]
  switch (wanted) {
    case 'pair':
      return question.includes(':') && /[^\s]:[^\s]|host:port|ip:port|:\s*port/iu.test(question.toLowerCase())
        ? [`${address}:${number}`, `${address} ${number}`, '']
        : [`${address} ${number}`, `${address}:${number}`, '']
    case 'host':
      return [address, 'localhost', '', number]
    case 'port':
      return [number, '', String(answers.port + 1), address]
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
      return [number, address, '']
  }
}
