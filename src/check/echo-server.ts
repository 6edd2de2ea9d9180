import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Check, Finding, NotApplicable, Words } from './check.ts'
import type { Conversation } from './conversation.ts'
import { firstDifference } from './dialect.ts'
import { describe, type EchoBench, type Exchange, notConnected } from './echo-bench.ts'
import {
  crashHint,
  decodeHint,
  keepHint,
  nextHint,
  oneRecvHint,
  resetHint,
  silentVisitors,
  startCauses,
  threadHint,
} from './hints.ts'
import { checkLimits } from './limits.ts'
import { closeWaitCount } from './process-tree.ts'
import type { RunningServer } from './program.ts'
import { isServer } from './server-bench.ts'

/** The checks of an echo server, in the order in which they are run and told. */

type EchoCheck = Check<EchoBench>

/** Tells of an exchange that should have been answered. `cause` chooses the hint by how it ended. */
function unanswered(
  exchange: Exchange,
  causes: Partial<Record<Exchange['state'], string>>,
  during: Words,
): Finding | undefined {
  if (exchange.state === 'answered') return undefined
  const cause = causes[exchange.state] ?? causes.silent ?? 'silent'
  const proof = exchange.state === 'wrong'
  return {
    cause,
    proof,
    sent: exchange.sent,
    expected: exchange.expected,
    actual: exchange.actual,
    saw: told(exchange, during),
  }
}

function told(exchange: Exchange, during: Words): Words {
  const { expected, actual, end } = exchange
  const after =
    end === 'fin'
      ? [', then it closed the connection', ', затем она закрыла соединение']
      : end === 'reset'
        ? [', then it reset the connection', ', затем она сбросила соединение']
        : [', and the connection is open', ', соединение открыто']
  switch (exchange.state) {
    case 'refused':
      return { en: `${during.en}: could not connect`, ru: `${during.ru}: не удалось подключиться` }
    case 'answered':
      return { en: `${during.en}: answered`, ru: `${during.ru}: ответ пришёл` }
    case 'wrong': {
      const at = firstDifference(expected, actual) ?? 0
      return {
        en: `${during.en}: the answer differs from byte ${at} on (${actual.length} of ${expected.length} B)${after[0]}`,
        ru: `${during.ru}: ответ отличается начиная с байта ${at} (${actual.length} из ${expected.length} Б)${after[1]}`,
      }
    }
    default:
      return actual.length === 0
        ? { en: `${during.en}: nothing came back${after[0]}`, ru: `${during.ru}: ничего не пришло${after[1]}` }
        : {
            en: `${during.en}: ${actual.length} of ${expected.length} B came back${after[0]}`,
            ru: `${during.ru}: пришло ${actual.length} из ${expected.length} Б${after[1]}`,
          }
  }
}

const aMessage: Words = { en: 'one message', ru: 'одно сообщение' }
const nextClient: Words = { en: 'the next client', ru: 'следующий клиент' }

/** A bulk text whose every part is different, so that a lost or doubled part shows. */
function bulk(bench: EchoBench, bytes: number): string {
  let text = ''
  while (text.length < bytes) text += bench.token(64)
  return text.slice(0, bytes)
}

/** Past the greeting and the name; nobody let in is told under the check's own cause. */
async function enter(bench: EchoBench, server: RunningServer, cause: string): Promise<Conversation | Finding> {
  const conversation = await bench.enter(server)
  return typeof conversation === 'string'
    ? {
        cause,
        saw: notConnected(conversation),
      }
    : conversation
}

function isConversation(entered: Conversation | Finding): entered is Conversation {
  return !('cause' in entered)
}

/** Whether the next client is served, as many checks ask at their end. */
async function serves(
  bench: EchoBench,
  server: RunningServer,
  during: Words,
  causes: Partial<Record<Exchange['state'], string>>,
): Promise<Finding | undefined> {
  if (server.program !== undefined && server.program.ended !== undefined) return crashed(bench, during)
  const visit = await bench.visit(server)
  if (server.program?.ended !== undefined && visit.state !== 'answered') return crashed(bench, during)
  return unanswered(visit, causes, during)
}

function crashed(bench: EchoBench, during: Words): Finding {
  const ended = bench.runs.current?.ended
  const how = ended?.signal ?? `exit code ${ended?.code}`
  const ruHow = ended?.signal ?? `код ${ended?.code}`
  return {
    cause: 'crash',
    proof: true,
    saw: { en: `${during.en}: the program has ended (${how})`, ru: `${during.ru}: программа завершилась (${ruHow})` },
  }
}

const atEnd = (bench: EchoBench): NotApplicable | undefined =>
  bench.dialect.atEnd
    ? {
        why: {
          en: 'it answers when the client has ended its side',
          ru: 'она отвечает, когда клиент закончил передачу',
        },
      }
    : undefined

const inexact = (bench: EchoBench): NotApplicable | undefined =>
  bench.exact
    ? undefined
    : {
        why: {
          en: 'it changes or adorns the text, so that bytes cannot be compared',
          ru: 'она меняет или дополняет текст, байты не сравнить',
        },
      }

const oneLine = (bench: EchoBench): NotApplicable | undefined =>
  bench.dialect.line !== '' && !bench.passed('echo.keep')
    ? { why: { en: 'it answers one line a connection', ru: 'она отвечает на одну строку за соединение' } }
    : undefined

const foreign = (bench: EchoBench): NotApplicable | undefined =>
  bench.owns
    ? undefined
    : {
        why: {
          en: 'it was running already: we can neither start it nor look into it',
          ru: 'она уже работала: мы не можем ни запустить её, ни заглянуть внутрь',
        },
      }

const start: EchoCheck = {
  id: 'echo.start',
  level: 'core',
  needs: [],
  title: { en: 'starts and listens', ru: 'запускается и слушает порт' },
  does: {
    en: 'Starts the program and answers its questions. Passes when it listens on a TCP port and still runs 300 ms later.',
    ru: 'Запускает программу и отвечает на её вопросы. Засчитывается, если она слушает TCP-порт и через 300 мс ещё работает.',
  },
  causes: startCauses,
  async run(bench, server) {
    if (server.program === undefined) {
      const opened = await bench.connect(server)
      return typeof opened === 'string' ? { cause: 'refused', proof: true, saw: notConnected(opened) } : undefined
    }
    await server.program.until(() => false, checkLimits.aliveMs)
    return server.program.ended === undefined ? undefined : bench.startFinding(server.program)
  },
}

const reply: EchoCheck = {
  id: 'echo.reply',
  level: 'core',
  needs: ['echo.start'],
  title: { en: 'sends back what it got', ru: 'возвращает полученное' },
  does: {
    en: 'Connects and sends a random text; if nothing comes, a line end, then FIN. Passes when the text comes back, whatever stands around it.',
    ru: 'Подключается и шлёт случайный текст; если ответа нет – перевод строки, затем FIN. Засчитывается, если текст вернулся, что бы его ни окружало.',
  },
  causes: {
    silent: {
      means: {
        en: 'the message has arrived (TCP acknowledged it), but the program never called send with it',
        ru: 'сообщение дошло (TCP подтвердил), но программа не вызвала с ним send',
      },
      change: {
        en: 'send what recv returned, on the socket that accept returned; look whether the lines after accept are inside the loop',
        ru: 'отправьте то, что вернул recv, в сокет, который вернул accept; проверьте, что строки после accept стоят внутри цикла',
      },
    },
    refused: nextHint,
    operator: {
      means: {
        en: 'the program waits for somebody at its keyboard while a client waits for an answer',
        ru: 'программа ждёт нажатия на своей клавиатуре, пока клиент ждёт ответа',
      },
      change: {
        en: 'take input() out of the loop that serves clients',
        ru: 'уберите input() из цикла обслуживания клиентов',
      },
    },
    closes: {
      means: {
        en: 'the program closed the connection before it sent anything; what it had not read turns the close into RST',
        ru: 'программа закрыла соединение, ничего не отправив; непрочитанные данные превращают закрытие в RST',
      },
      change: {
        en: 'receive first, send the same bytes with sendall, and close only when recv returned an empty result',
        ru: 'сначала примите, отправьте те же байты через sendall и закрывайте, только когда recv вернул пустой результат',
      },
    },
    fixed: {
      means: {
        en: 'the answer is a text of the program, not what the client sent',
        ru: 'ответ – собственный текст программы, а не то, что прислал клиент',
      },
      change: { en: 'send the bytes that recv returned', ru: 'отправляйте байты, которые вернул recv' },
    },
    crash: crashHint,
  },
  async run(bench, server) {
    const { finding } = await bench.meet(server)
    if (finding !== undefined) return finding
    if (bench.operatorAnswers > 0) {
      return {
        cause: 'operator',
        saw: {
          en: 'the answer came only when Enter was pressed at the program',
          ru: 'ответ пришёл, только когда в программе нажали Enter',
        },
      }
    }
    return undefined
  },
}

const clean: EchoCheck = {
  id: 'echo.clean',
  level: 'core',
  needs: ['echo.reply'],
  title: { en: 'adds no bytes that nobody sent', ru: 'не добавляет чужих байтов' },
  does: {
    en: 'Compares the answers to three texts of different lengths. Passes when what stands around them is the same text each time.',
    ru: 'Сравнивает ответы на три текста разной длины. Засчитывается, если вокруг них каждый раз один и тот же текст.',
  },
  causes: {
    buffer: {
      means: {
        en: 'the whole buffer was sent, not the bytes that recv filled: old data or memory of the program goes out to the client',
        ru: 'отправлен весь буфер, а не принятые байты: клиент получает старые данные или память программы',
      },
      change: {
        en: 'give send the number of bytes that recv returned, not sizeof the buffer',
        ru: 'передайте в send число байтов, которое вернул recv, а не sizeof буфера',
      },
    },
    varies: {
      means: {
        en: 'an echo returns what it got; here something that changes from answer to answer stands around it',
        ru: 'эхо возвращает полученное; здесь вокруг него стоит то, что меняется от ответа к ответу',
      },
      change: {
        en: 'send the received bytes alone, once for each recv; print times and counters, do not send them',
        ru: 'отправляйте только принятые байты, один раз на каждый recv; время и счётчики печатайте, а не отправляйте',
      },
    },
  },
  async run(bench) {
    const { answers } = await bench.meeting()
    if (answers === undefined || answers.kind !== 'unclean') return undefined
    const buffer = answers.around.includes(0)
    return {
      cause: buffer ? 'buffer' : 'varies',
      proof: true,
      actual: answers.around,
      saw: {
        en: `around the echo stands ${describe(answers.around)}, which differs or cannot be text`,
        ru: `вокруг эха стоит ${describe(answers.around)}: это меняется или не может быть текстом`,
      },
    }
  },
}

const keep: EchoCheck = {
  id: 'echo.keep',
  level: 'core',
  needs: ['echo.reply'],
  title: {
    en: 'answers a second message on the same connection',
    ru: 'отвечает на второе сообщение того же соединения',
  },
  does: {
    en: 'Sends two messages over one connection. Passes when both are answered and the second answer does not repeat the first.',
    ru: 'Шлёт два сообщения по одному соединению. Засчитывается, если ответ есть на оба и второй не повторяет первый.',
  },
  causes: {
    closes: keepHint,
    silent: keepHint,
    repeats: {
      means: {
        en: 'the second answer holds the first message again: what was received is collected and never emptied',
        ru: 'второй ответ снова содержит первое сообщение: принятое накапливается и не очищается',
      },
      change: { en: 'send only what the last recv returned', ru: 'отправляйте только то, что вернул последний recv' },
    },
    wrong: oneRecvHint,
    crash: crashHint,
  },
  unless: [atEnd],
  async run(bench, server) {
    const visit = await bench.visit(server)
    const first = unanswered(visit, { closed: 'closes', reset: 'closes', wrong: 'wrong' }, aMessage)
    if (first !== undefined || visit.conversation === undefined) return first
    const second = await bench.ask(visit.conversation, bench.token(17))
    if (second.state === 'wrong' && second.actual.includes(visit.expected)) {
      bench.accumulates = true
      return {
        cause: 'repeats',
        proof: true,
        sent: second.sent,
        expected: second.expected,
        actual: second.actual,
        saw: { en: 'the second answer repeats the first message', ru: 'второй ответ повторяет первое сообщение' },
      }
    }
    if (second.state !== 'answered' && server.program?.ended !== undefined && server.program.ended.code !== 0) {
      return crashed(bench, { en: 'the second message', ru: 'второе сообщение' })
    }
    return unanswered(
      second,
      { closed: 'closes', reset: 'closes', wrong: 'wrong' },
      { en: 'the second message', ru: 'второе сообщение' },
    )
  },
}

const next: EchoCheck = {
  id: 'echo.next',
  level: 'core',
  needs: ['echo.reply'],
  title: { en: 'serves the next client after one has left', ru: 'обслуживает следующего клиента после ухода первого' },
  does: {
    en: 'A client is served and leaves with FIN; another comes. Passes when it is answered, without anybody at the program’s keyboard.',
    ru: 'Клиент обслужен и уходит (FIN); приходит другой. Засчитывается, если ему ответили без участия оператора.',
  },
  causes: {
    refused: nextHint,
    silent: nextHint,
    ends: nextHint,
    operator: {
      means: {
        en: 'between two clients the program waits for its operator; until somebody presses a key nobody is served',
        ru: 'между клиентами программа ждёт оператора; пока никто не нажмёт клавишу, никого не обслуживают',
      },
      change: { en: 'take input() out of the accept loop', ru: 'уберите input() из цикла accept' },
    },
    crash: crashHint,
  },
  async run(bench, server) {
    const first = await bench.visit(server)
    await bench.closeAll()
    await bench.runs.pause(100)
    if (server.program?.ended !== undefined) {
      bench.singleUse = true
      return {
        cause: 'ends',
        proof: true,
        saw: {
          en: 'the program has ended when its first client had left',
          ru: 'программа завершилась, когда ушёл первый клиент',
        },
      }
    }
    const second = await bench.visit(server)
    bench.singleUse = second.state !== 'answered'
    if (second.operator && !first.operator) {
      return {
        cause: 'operator',
        saw: {
          en: 'the second client was answered only when Enter was pressed at the program',
          ru: 'второму клиенту ответили, только когда в программе нажали Enter',
        },
      }
    }
    return unanswered(
      second,
      { refused: 'refused', silent: 'silent', closed: 'silent', reset: 'silent', wrong: 'silent' },
      nextClient,
    )
  },
}

const large: EchoCheck = {
  id: 'echo.large',
  level: 'core',
  needs: ['echo.reply'],
  title: { en: 'returns 5,000 bytes', ru: 'возвращает 5000 байт' },
  does: {
    en: 'Sends 5,000 bytes at once. Passes when all of them come back.',
    ru: 'Шлёт сразу 5000 байт. Засчитывается, если вернулись все.',
  },
  causes: { 'one-recv': oneRecvHint, crash: crashHint },
  unless: [inexact],
  run: (bench, server) => wholeBack(bench, server, bulk(bench, 5_000), { en: '5,000 B', ru: '5000 Б' }),
}

/** Sends a long text as one message, and has it back as a whole. */
async function wholeBack(
  bench: EchoBench,
  server: RunningServer,
  text: string,
  during: Words,
): Promise<Finding | undefined> {
  const conversation = await enter(bench, server, 'one-recv')
  if (!isConversation(conversation)) return conversation
  const answer = await bench.ask(conversation, text, { waitMs: bench.times.answerMs * 2 })
  if (answer.state !== 'answered' && server.program?.ended !== undefined) return crashed(bench, during)
  return unanswered(answer, { silent: 'one-recv' }, during)
}

const bulkAll: EchoCheck = {
  id: 'echo.bulk',
  level: 'extra',
  needs: ['echo.large'],
  title: { en: 'returns 280 kB while the client reads', ru: 'возвращает 280 кБ, пока клиент читает' },
  does: {
    en: 'Sends 280,000 bytes while reading. Passes when all of them come back in order.',
    ru: 'Шлёт 280 000 байт и одновременно читает. Засчитывается, если всё вернулось по порядку.',
  },
  causes: {
    'one-recv': {
      means: {
        en: 'a portion shorter than the buffer is not the end of the message: the rest is still on its way',
        ru: 'порция короче буфера – ещё не конец сообщения: остальное в пути',
      },
      change: oneRecvHint.change,
    },
    crash: crashHint,
  },
  unless: [inexact, oneLine],
  async run(bench, server) {
    const { line } = bench.dialect
    if (line === '') return wholeBack(bench, server, bulk(bench, 280_000), { en: '280,000 B', ru: '280 000 Б' })
    const conversation = await enter(bench, server, 'one-recv')
    if (!isConversation(conversation)) return conversation
    const lines = Array.from({ length: 2_800 }, () => bench.token(99))
    const sent = Buffer.from(lines.map((text) => `${text}${line}`).join(''))
    const answer = await bench.ask(conversation, lines.join(''), { pieces: [sent], waitMs: bench.times.answerMs * 2 })
    return unanswered(answer, { silent: 'one-recv' }, { en: '2,800 lines', ru: '2800 строк' })
  },
}

const bytes: EchoCheck = {
  id: 'echo.bytes',
  level: 'extra',
  needs: ['echo.keep'],
  title: { en: 'understands a message that comes byte by byte', ru: 'понимает сообщение, приходящее по байту' },
  does: {
    en: 'Sends a message one byte each 30 ms. Passes when the same bytes come back.',
    ru: 'Шлёт сообщение по одному байту каждые 30 мс. Засчитывается, если вернулись те же байты.',
  },
  causes: { 'one-recv': oneRecvHint, crash: crashHint },
  unless: [atEnd, inexact],
  async run(bench, server) {
    return inPieces(
      bench,
      server,
      bench.token(10),
      (sent) => [...sent].map((byte) => Buffer.from([byte])),
      30,
      'one-recv',
    )
  },
}

/** Sends a text in pieces, and has it back as a whole. */
async function inPieces(
  bench: EchoBench,
  server: RunningServer,
  text: string,
  cut: (sent: Buffer) => readonly Buffer[],
  gapMs: number,
  cause: string,
): Promise<Finding | undefined> {
  const conversation = await enter(bench, server, cause)
  if (!isConversation(conversation)) return conversation
  const pieces = cut(bench.message(text))
  const during: Words = { en: `a message in ${pieces.length} pieces`, ru: `сообщение, частей: ${pieces.length}` }
  const answer = await bench.ask(conversation, text, { pieces, gapMs })
  if (answer.state !== 'answered' && server.program?.ended !== undefined) return crashed(bench, during)
  return unanswered(answer, { silent: cause }, during)
}

const merge: EchoCheck = {
  id: 'echo.merge',
  level: 'extra',
  needs: ['echo.reply'],
  title: { en: 'answers two messages that come in one segment', ru: 'отвечает на два сообщения в одном сегменте' },
  does: {
    en: 'Sends two messages with one write. Passes when both come back.',
    ru: 'Отправляет два сообщения одним вызовом. Засчитывается, если вернулись оба.',
  },
  causes: { 'one-recv': oneRecvHint, crash: crashHint },
  unless: [oneLine, atEnd, inexact],
  async run(bench, server) {
    const [one, two] = [bench.token(11), bench.token(13)]
    return inPieces(
      bench,
      server,
      `${one}${two}`,
      () => [Buffer.concat([bench.message(one), bench.message(two)])],
      0,
      'one-recv',
    )
  },
}

const utf8: EchoCheck = {
  id: 'echo.utf8',
  level: 'core',
  needs: ['echo.reply'],
  title: { en: 'survives a letter that is cut in two', ru: 'переживает букву, разрезанную пополам' },
  does: {
    en: 'Sends «при» in two portions, cut inside a letter, 300 ms apart. Passes when the same bytes come back and the program goes on.',
    ru: 'Шлёт «при» двумя порциями, разрезав букву, с паузой 300 мс. Засчитывается, если вернулись те же байты и программа работает.',
  },
  causes: { decode: decodeHint, closes: decodeHint, crash: decodeHint },
  async run(bench, server) {
    const conversation = await enter(bench, server, 'decode')
    if (!isConversation(conversation)) return conversation
    const text = 'при'
    const sent = bench.message(text)
    const during: Words = { en: '«при», cut inside the second letter', ru: '«при», разрезанное во второй букве' }
    const answer = await bench.ask(conversation, text, { pieces: [sent.subarray(0, 3), sent.subarray(3)], gapMs: 300 })
    if (server.program?.ended !== undefined) return crashed(bench, during)
    // One that answers a single portion has returned half a letter as it was.
    const halfway = answer.end !== 'no' && answer.actual.equals(sent.subarray(0, 3))
    if (halfway && !bench.passed('echo.keep')) return undefined
    // A text changed as a whole (reversed, capitalised) can't be compared in pieces; that it is served is enough.
    if (!bench.exact && answer.end === 'no' && answer.actual.length > 0) return undefined
    return unanswered(answer, { silent: 'decode', wrong: 'decode', closed: 'closes', reset: 'closes' }, during)
  },
}

const binary: EchoCheck = {
  id: 'echo.binary',
  level: 'extra',
  needs: ['echo.utf8'],
  title: { en: 'returns all 256 byte values', ru: 'возвращает все 256 значений байта' },
  does: {
    en: 'Sends the bytes 0x00 to 0xff (without line ends, if it reads lines). Passes when the same bytes come back.',
    ru: 'Шлёт байты от 0x00 до 0xff (без переводов строк, если она читает строки). Засчитывается, если вернулись те же байты.',
  },
  causes: { decode: decodeHint, crash: decodeHint },
  unless: [inexact],
  async run(bench, server) {
    if (bench.dialect.transform !== 'identity') {
      return { why: { en: 'it changes the case of letters', ru: 'она меняет регистр букв' } }
    }
    const conversation = await enter(bench, server, 'decode')
    if (!isConversation(conversation)) return conversation
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const { line } = bench.dialect
    const payload =
      line === '' ? all : all.filter((byte) => byte !== 10 && byte !== 13 && (line !== '\0' || byte !== 0))
    const during: Words = {
      en: `${payload.length} different byte values`,
      ru: `байты ${payload.length} разных значений`,
    }
    const answer = await bench.ask(conversation, Buffer.from(payload))
    if (server.program?.ended !== undefined) return crashed(bench, during)
    return unanswered(answer, { silent: 'decode' }, during)
  },
}

const half: EchoCheck = {
  id: 'echo.half',
  level: 'extra',
  needs: ['echo.reply'],
  title: { en: 'ends its side when the client has ended', ru: 'завершает свою сторону, когда клиент закончил' },
  does: {
    en: 'Sends 3,000 bytes and FIN. Passes when all of them come back, then FIN within 3 s.',
    ru: 'Шлёт 3000 байт и FIN. Засчитывается, если всё вернулось, а затем в течение 3 с пришёл FIN.',
  },
  causes: {
    'no-close': {
      means: {
        en: 'recv has returned an empty result: the client has ended. Without close the socket stays in CLOSE_WAIT until the program ends',
        ru: 'recv вернул пустой результат: клиент закончил. Без close сокет остаётся в CLOSE_WAIT, пока программа не завершится',
      },
      change: {
        en: 'leave the loop when recv returns an empty result, and close that client’s socket in every case (finally, with)',
        ru: 'выходите из цикла, когда recv вернул пустой результат, и закрывайте сокет клиента в любом случае (finally, with)',
      },
    },
    lost: {
      means: {
        en: 'the client ends its sending, not its reading: what it sent before is still owed to it',
        ru: 'клиент закончил передавать, но не читать: отправленное до этого ему ещё должны вернуть',
      },
      change: {
        en: 'send everything that recv returned (sendall) before you close',
        ru: 'отправьте всё, что вернул recv (sendall), и только потом закрывайте',
      },
    },
    endless: {
      means: {
        en: 'after the end recv returns at once, with nothing, for ever: the loop goes on sending',
        ru: 'после конца recv возвращается сразу, пустым, бесконечно: цикл продолжает отправлять',
      },
      change: {
        en: 'test for the empty result: b"" in Python 3, 0 in C, -1 in Java',
        ru: 'проверяйте пустой результат: b"" в Python 3, 0 в C, -1 в Java',
      },
    },
    crash: crashHint,
  },
  async run(bench, server) {
    const conversation = await enter(bench, server, 'lost')
    if (!isConversation(conversation)) return conversation
    const text = bulk(bench, 3_000)
    const during: Words = { en: '3,000 B and FIN', ru: '3000 Б и FIN' }
    conversation.send(bench.message(text))
    if (bench.exact && !bench.dialect.atEnd) {
      await conversation.until(() => conversation.receivedBytes >= text.length, 100)
    }
    conversation.finish()
    bench.runs.step('sent 3,000 B and FIN', 'отправили 3000 Б и FIN')
    const end = await conversation.untilEnd(3_000 * bench.patience)
    const actual = conversation.received
    if (actual.length > text.length * 4 + 4_096) {
      return {
        cause: 'endless',
        proof: true,
        saw: { en: `${during.en}: ${actual.length} B came back`, ru: `${during.ru}: пришло ${actual.length} Б` },
      }
    }
    if (end === 'no') {
      return {
        cause: 'no-close',
        saw: {
          en: `${during.en}: ${actual.length} B came back, and no FIN within 3 s`,
          ru: `${during.ru}: пришло ${actual.length} Б, а FIN за 3 с – нет`,
        },
      }
    }
    // What a program loses of a long message is told by another check.
    if (!bench.exact || bench.answerIsWhole(text, actual) || !bench.passed('echo.large')) return undefined
    if (server.program?.ended !== undefined && server.program.ended.code !== 0) return crashed(bench, during)
    const expected = Buffer.from(text)
    return {
      cause: 'lost',
      expected,
      actual,
      saw: {
        en: `${during.en}: ${actual.length} B came back, then ${end === 'fin' ? 'FIN' : 'RST'}`,
        ru: `${during.ru}: пришло ${actual.length} Б, затем ${end === 'fin' ? 'FIN' : 'RST'}`,
      },
    }
  },
}

const tail: EchoCheck = {
  id: 'echo.tail',
  level: 'extra',
  needs: ['echo.reply'],
  title: { en: 'returns a last line without a line end', ru: 'возвращает последнюю строку без перевода' },
  does: {
    en: 'Sends a text without a line end, then FIN. Passes when it comes back. Only for programs that read lines.',
    ru: 'Шлёт текст без перевода строки, затем FIN. Засчитывается, если он вернулся. Только для программ, читающих строки.',
  },
  causes: {
    dropped: {
      means: {
        en: 'the end of the stream ends the last line too; a line reader reports it together with what it has read',
        ru: 'конец потока завершает и последнюю строку; чтение строки сообщает о нём вместе с прочитанным',
      },
      change: {
        en: 'use what was read before you look at the error or the end',
        ru: 'сначала используйте прочитанное, потом смотрите на ошибку или конец',
      },
    },
    crash: crashHint,
  },
  async run(bench, server) {
    if (bench.dialect.line === '') return { why: { en: 'it does not read lines', ru: 'она не читает строки' } }
    const conversation = await enter(bench, server, 'dropped')
    if (!isConversation(conversation)) return conversation
    const text = bench.token(15)
    conversation.send(text)
    conversation.finish()
    bench.runs.step(`sent ${text} and FIN`, `отправили ${text} и FIN`)
    await conversation.untilEnd(bench.times.answerMs)
    if (bench.answerIsWhole(text, conversation.received)) return undefined
    if (server.program?.ended !== undefined)
      return crashed(bench, { en: 'a line without its end', ru: 'строка без перевода' })
    return {
      cause: 'dropped',
      sent: Buffer.from(text),
      expected: Buffer.from(text),
      actual: conversation.received,
      saw: {
        en: 'the last line, without a line end, did not come back',
        ru: 'последняя строка без перевода не вернулась',
      },
    }
  },
}

const empty: EchoCheck = {
  id: 'echo.empty',
  level: 'core',
  needs: ['echo.next'],
  title: { en: 'goes on after a client that said nothing', ru: 'продолжает после клиента, который промолчал' },
  does: {
    en: 'Connects, says nothing, leaves with FIN. Passes when the next client is served.',
    ru: 'Подключается, молчит, уходит (FIN). Засчитывается, если следующий клиент обслужен.',
  },
  causes: { silent: silentVisitors, crash: crashHint },
  async run(bench, server) {
    const conversation = await bench.connect(server)
    if (typeof conversation === 'string')
      return { cause: 'silent', saw: { en: 'could not connect', ru: 'не удалось подключиться' } }
    await bench.runs.pause(50)
    await bench.closeAll()
    bench.runs.step('left without a word', 'ушли молча')
    return serves(bench, server, nextClient, { silent: 'silent' })
  },
}

const rst: EchoCheck = {
  id: 'echo.rst',
  level: 'core',
  needs: ['echo.next'],
  title: { en: 'survives a client that crashes', ru: 'переживает падение клиента' },
  does: {
    en: 'A client reads its answer, then resets the connection (RST). Passes when the next client is served.',
    ru: 'Клиент читает ответ и сбрасывает соединение (RST). Засчитывается, если следующий клиент обслужен.',
  },
  causes: { crash: resetHint, silent: resetHint },
  async run(bench, server) {
    const visit = await bench.visit(server)
    visit.conversation?.reset()
    bench.runs.step('reset the connection (RST)', 'сбросили соединение (RST)')
    await bench.runs.pause(bench.times.quietMs)
    return serves(bench, server, nextClient, { silent: 'silent' })
  },
}

const second: EchoCheck = {
  id: 'echo.while',
  level: 'extra',
  needs: ['echo.next'],
  title: {
    en: 'serves a second client while the first is there',
    ru: 'обслуживает второго клиента при подключённом первом',
  },
  does: {
    en: 'A client stays connected and idle while another asks. Passes when the second is answered in time.',
    ru: 'Один клиент подключён и молчит, второй спрашивает. Засчитывается, если второму ответили вовремя.',
  },
  causes: { silent: threadHint, crash: crashHint },
  unless: [atEnd],
  async run(bench, server) {
    const first = await bench.visit(server)
    if (first.state === 'refused') return { cause: 'silent', saw: told(first, aMessage) }
    if (first.end !== 'no') {
      // It ends each conversation after an answer: then the first client stays silent.
      const idle = await bench.connect(server)
      if (typeof idle === 'string')
        return { cause: 'silent', saw: { en: 'could not connect', ru: 'не удалось подключиться' } }
    }
    return serves(
      bench,
      server,
      { en: 'a second client beside an idle one', ru: 'второй клиент рядом с молчащим' },
      { silent: 'silent' },
    )
  },
}

const cross: EchoCheck = {
  id: 'echo.cross',
  level: 'core',
  needs: ['echo.while', 'echo.keep'],
  rounds: 3,
  title: { en: 'gives each client its own answer', ru: 'отвечает каждому клиенту его данными' },
  does: {
    en: 'Two clients stay and ask in turn. Passes when each gets its own messages and no other.',
    ru: 'Два клиента подключены и спрашивают по очереди. Засчитывается, если каждый получает только своё.',
  },
  causes: {
    'global-conn': {
      means: {
        en: 'both threads use one variable for the connection: the second accept replaces the first client’s socket',
        ru: 'оба потока используют одну переменную соединения: второй accept заменяет сокет первого клиента',
      },
      change: {
        en: 'pass the socket that accept returned to the thread as an argument, and use nothing global in it',
        ru: 'передавайте сокет из accept в поток аргументом и не используйте в потоке глобальных переменных',
      },
    },
    silent: threadHint,
    crash: crashHint,
  },
  async run(bench, server) {
    const a = await enter(bench, server, 'silent')
    const b = await enter(bench, server, 'silent')
    if (!isConversation(a) || !isConversation(b))
      return { cause: 'silent', saw: { en: 'could not connect twice', ru: 'не удалось подключиться дважды' } }
    for (const [who, other, name] of [
      [a, b, 'A'],
      [b, a, 'B'],
      [a, b, 'A'],
      [b, a, 'B'],
    ] as const) {
      other.mark()
      const answer = await bench.ask(who, bench.token())
      const during: Words = { en: `client ${name} of two`, ru: `клиент ${name} из двух` }
      if (
        bench.answerIsWhole(answer.sent.toString(), other.received) ||
        other.receivedBytes >= answer.expected.length
      ) {
        return {
          cause: 'global-conn',
          proof: true,
          sent: answer.sent,
          actual: other.received,
          saw: {
            en: `the answer to client ${name} came to the other client`,
            ru: `ответ клиенту ${name} пришёл другому клиенту`,
          },
        }
      }
      const finding = unanswered(answer, { silent: 'silent', wrong: 'global-conn' }, during)
      if (finding !== undefined) return server.program?.ended === undefined ? finding : crashed(bench, during)
    }
    return undefined
  },
}

const many: EchoCheck = {
  id: 'echo.many',
  level: 'extra',
  needs: ['echo.while'],
  title: { en: 'serves 64 clients at a time', ru: 'обслуживает 64 клиента одновременно' },
  does: {
    en: 'Connects 64 clients, one each 12 ms, and has each ask. Passes when at least nine of ten are answered.',
    ru: 'Подключает 64 клиента, по одному в 12 мс, и каждый спрашивает. Засчитывается, если ответили девяти из десяти.',
  },
  causes: { few: threadHint, crash: crashHint },
  async run(bench, server) {
    const visits: Promise<Exchange>[] = []
    for (let client = 0; client < 64; client++) {
      visits.push(patientVisit(bench, server))
      await bench.runs.pause(12)
    }
    const answered = (await Promise.all(visits)).filter(({ state }) => state === 'answered').length
    if (answered >= 58) return undefined
    const during: Words = { en: '64 clients', ru: '64 клиента' }
    if (server.program?.ended !== undefined) return crashed(bench, during)
    return {
      cause: 'few',
      saw: { en: `${answered} of 64 clients were answered`, ru: `ответили ${answered} клиентам из 64` },
    }
  },
}

/** A SYN that found the queue full is sent again after 1 s and 3 s by the system; we try twice more. */
async function patientVisit(bench: EchoBench, server: RunningServer): Promise<Exchange> {
  let visit = await bench.visit(server)
  for (let retry = 0; retry < 2 && visit.state === 'refused'; retry++) {
    await bench.runs.pause(500)
    visit = await bench.visit(server)
  }
  return visit
}

const backlog: EchoCheck = {
  id: 'echo.backlog',
  level: 'advice',
  needs: ['echo.many'],
  title: { en: 'lets 64 clients in at the same instant', ru: 'впускает 64 клиента в один миг' },
  does: {
    en: 'Connects 64 clients at once. Passes when all are connected within a second.',
    ru: 'Подключает 64 клиента сразу. Засчитывается, если все подключены за секунду.',
  },
  causes: {
    queue: {
      means: {
        en: 'listen’s argument is the queue of clients that accept has not taken yet; when it is full the system drops SYNs, and a client tries again after 1 s, then 3 s',
        ru: 'аргумент listen – очередь клиентов, ещё не взятых accept; когда она полна, система отбрасывает SYN, и клиент повторяет через 1 с, затем 3 с',
      },
      change: { en: 'give listen a larger number, such as 128', ru: 'передайте listen число побольше, например 128' },
    },
  },
  async run(bench, server) {
    const deadline = bench.runs.deadline(1_000 * bench.patience)
    const opened = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const conversation = await bench.connect(server)
        return typeof conversation !== 'string' && !deadline.passed
      }),
    )
    const late = opened.filter((inTime) => !inTime).length
    return late === 0
      ? undefined
      : {
          cause: 'queue',
          saw: {
            en: `${late} of 64 clients were not connected within a second`,
            ru: `${late} из 64 клиентов не подключились за секунду`,
          },
        }
  },
}

const slow: EchoCheck = {
  id: 'echo.slow',
  level: 'extra',
  needs: ['echo.while'],
  title: { en: 'serves others while one does not read', ru: 'обслуживает других, пока один не читает' },
  does: {
    en: 'A client sends 19 MB and reads nothing; another asks. Passes when the second is answered.',
    ru: 'Один клиент шлёт 19 МБ и ничего не читает; другой спрашивает. Засчитывается, если второму ответили.',
  },
  causes: {
    silent: {
      means: {
        en: 'send waits while the client’s buffer is full; in a program with one loop everybody waits with it',
        ru: 'send ждёт, пока буфер клиента полон; в программе с одним циклом с ним ждут все',
      },
      change: threadHint.change,
    },
    crash: crashHint,
  },
  async run(bench, server) {
    const stubborn = await enter(bench, server, 'silent')
    if (!isConversation(stubborn)) return stubborn
    stubborn.stopReading()
    const portion = bench.message(bulk(bench, 19_000))
    for (let sent = 0; sent < 1_000; sent++) {
      stubborn.send(portion)
      if (sent % 50 === 49) await bench.runs.pause(5)
    }
    bench.runs.step('sent 19 MB and read nothing', 'отправили 19 МБ и ничего не прочли')
    await bench.runs.pause(300)
    const finding = await serves(
      bench,
      server,
      { en: 'a client beside one that does not read', ru: 'клиент рядом с тем, кто не читает' },
      { silent: 'silent' },
    )
    stubborn.reset()
    return finding
  },
}

const spin: EchoCheck = {
  id: 'echo.spin',
  level: 'extra',
  needs: ['echo.start'],
  title: { en: 'does not spin after a client has ended', ru: 'не крутится впустую после ухода клиента' },
  does: {
    en: 'A client ends its side and waits. Passes when the program uses less than 30 % of a core and writes less than 100 kB/s for 0.7 s.',
    ru: 'Клиент закончил передачу и ждёт. Засчитывается, если 0,7 с программа занимает меньше 30 % ядра и пишет меньше 100 кБ/с.',
  },
  causes: {
    loop: {
      means: {
        en: 'after the end recv returns an empty result at once; a loop that does not leave on it runs for ever at full speed',
        ru: 'после конца recv сразу возвращает пустой результат; цикл, который на этом не выходит, крутится вечно на полной скорости',
      },
      change: {
        en: 'compare with the right empty value (b"", not "", in Python 3) and leave the loop',
        ru: 'сравнивайте с правильным пустым значением (b"", а не "" в Python 3) и выходите из цикла',
      },
    },
  },
  unless: [foreign],
  async run(bench, server) {
    if (server.program === undefined) return undefined
    const conversation = await bench.connect(server)
    if (typeof conversation === 'string') return undefined
    conversation.send(bench.message(bench.token()))
    await bench.runs.pause(100)
    conversation.finish()
    bench.runs.step('sent FIN', 'отправили FIN')
    await bench.runs.pause(150)
    const before = { seconds: server.program.processorSeconds, bytes: server.program.outputBytes }
    const { clock } = bench.services
    const from = clock.monotonic()
    let runnable = 0
    const looks = 35
    for (let look = 0; look < looks; look++) {
      await bench.runs.pause(20)
      if (server.program.isRunnable) runnable++
    }
    const seconds = (clock.monotonic() - from) / 1_000
    // A program that has ended uses nothing, and its time is not told any more.
    const used = Math.max(0, server.program.processorSeconds - before.seconds) / seconds
    const share = Math.max(used, runnable > looks * 0.7 ? runnable / looks : 0)
    const perSecond = (server.program.outputBytes - before.bytes) / seconds
    if (share < 0.3 && perSecond < 100_000) return undefined
    return {
      cause: 'loop',
      saw: {
        en: `after FIN it used ${Math.round(share * 100)} % of a core and wrote ${Math.round(perSecond / 1_000)} kB/s`,
        ru: `после FIN она занимала ${Math.round(share * 100)} % ядра и писала ${Math.round(perSecond / 1_000)} кБ/с`,
      },
    }
  },
}

const leak: EchoCheck = {
  id: 'echo.leak',
  level: 'extra',
  needs: ['echo.half', 'echo.next'],
  title: { en: 'closes the sockets of clients that left', ru: 'закрывает сокеты ушедших клиентов' },
  does: {
    en: 'Three clients ask and leave. Passes when no socket of the program is in CLOSE_WAIT 0.6 s later.',
    ru: 'Три клиента спрашивают и уходят. Засчитывается, если через 0,6 с ни один сокет программы не в CLOSE_WAIT.',
  },
  causes: {
    'close-wait': {
      means: {
        en: 'CLOSE_WAIT: the client has closed, the program has not; each such client keeps a descriptor, until there are none left',
        ru: 'CLOSE_WAIT: клиент закрыл соединение, программа – нет; каждый такой клиент держит дескриптор, пока они не кончатся',
      },
      change: {
        en: 'close each client’s socket when its loop is left, whatever the way out',
        ru: 'закрывайте сокет клиента при выходе из его цикла, каким бы путём он ни был',
      },
    },
  },
  unless: [foreign],
  async run(bench, server) {
    if (server.program === undefined) return undefined
    for (let client = 0; client < 3; client++) {
      await bench.visit(server)
      await bench.closeAll()
    }
    await bench.runs.pause(600)
    const count = closeWaitCount(server.program.processes, server.port)
    return count === 0
      ? undefined
      : {
          cause: 'close-wait',
          saw: { en: `${count} of 3 sockets are in CLOSE_WAIT`, ru: `${count} из 3 сокетов в CLOSE_WAIT` },
        }
  },
}

const exit: EchoCheck = {
  id: 'echo.exit',
  level: 'extra',
  needs: ['echo.keep'],
  title: { en: '“exit” ends the conversation', ru: '«exit» завершает разговор' },
  does: {
    en: 'Sends the word alone, then with a line end, then capitalised. Passes when one of them closes that connection and others are still served.',
    ru: 'Шлёт слово само по себе, затем с переводом строки, затем с большой буквы. Засчитывается, если одно из них закрывает это соединение, а других по-прежнему обслуживают.',
  },
  causes: {
    ignored: {
      means: {
        en: 'the word came back as any other text: in Python 3 bytes never equal a text, and a line end belongs to what was received',
        ru: 'слово вернулось как обычный текст: в Python 3 байты никогда не равны строке, а перевод строки входит в принятое',
      },
      change: {
        en: 'compare the decoded text without its line end: data.decode().strip() == "exit"-like, or bytes with bytes',
        ru: 'сравнивайте декодированный текст без перевода строки или байты с байтами',
      },
    },
    'ends-server': {
      means: {
        en: 'the word of one client ended the program for all clients',
        ru: 'слово одного клиента завершило программу для всех',
      },
      change: {
        en: 'leave the loop of that client (break), not the program',
        ru: 'выходите из цикла этого клиента (break), а не из программы',
      },
    },
    crash: crashHint,
  },
  async run(bench, server) {
    const conversation = await enter(bench, server, 'ignored')
    if (!isConversation(conversation)) return conversation
    const { exitWord } = bench
    const capital = exitWord.slice(0, 1).toUpperCase() + exitWord.slice(1)
    const words =
      bench.dialect.line === ''
        ? [exitWord, `${exitWord}\n`, capital]
        : [exitWord, capital].map((word) => bench.message(word).toString())
    for (const word of words) {
      // The message before has to end with a line end, so that the word does not join it.
      conversation.mark()
      conversation.send(word)
      bench.runs.step(`sent ${JSON.stringify(word)}`, `отправили ${JSON.stringify(word)}`)
      if ((await conversation.untilEnd(bench.times.answerMs)) !== 'no') break
    }
    if (conversation.end === 'no') {
      return {
        cause: 'ignored',
        saw: { en: `“${exitWord}” did not end the connection`, ru: `«${exitWord}» не завершает соединение` },
      }
    }
    await bench.closeAll()
    await bench.runs.pause(100)
    // One that serves a single client ends with it, whatever that client says.
    if (server.program?.ended !== undefined && !bench.singleUse) {
      const { code } = server.program.ended
      const trace = code !== 0
      return {
        cause: trace ? 'crash' : 'ends-server',
        proof: true,
        saw: { en: `“${exitWord}” ended the program`, ru: `«${exitWord}» завершает программу` },
      }
    }
    return bench.singleUse ? undefined : serves(bench, server, nextClient, { silent: 'ends-server' })
  },
}

const restart: EchoCheck = {
  id: 'echo.restart',
  level: 'extra',
  needs: ['echo.start'],
  title: { en: 'starts again at once after it was killed', ru: 'сразу запускается снова после снятия' },
  does: {
    en: 'Kills the program while a client is connected and starts it again. Passes when it listens at once, on the same port or, by its own choice, on another.',
    ru: 'Снимает программу при подключённом клиенте и запускает снова. Засчитывается, если она сразу слушает тот же порт или по своему выбору другой.',
  },
  causes: {
    'address-in-use': {
      means: {
        en: 'the old connection stays in TIME_WAIT for a minute, and bind refuses its port without SO_REUSEADDR',
        ru: 'старое соединение минуту остаётся в TIME_WAIT, и bind отказывает в его порте без SO_REUSEADDR',
      },
      change: {
        en: 'set SO_REUSEADDR on the listening socket before bind (setsockopt)',
        ru: 'установите SO_REUSEADDR слушающему сокету до bind (setsockopt)',
      },
    },
  },
  unless: [foreign],
  async run(bench, server) {
    if (server.program === undefined) return undefined
    const visit = await bench.visit(server)
    bench.runs.keepTimeWait(true)
    server.program.kill()
    bench.runs.step('killed the program with a client connected', 'сняли программу при подключённом клиенте')
    // The client sees the end and ends its side: what remains of the connection is TIME_WAIT at the server.
    await visit.conversation?.untilEnd(500)
    visit.conversation?.finish()
    await bench.runs.pause(50)
    const again = await bench.start()
    bench.runs.keepTimeWait(false)
    if (!isServer(again)) {
      return {
        cause: 'address-in-use',
        proof: bench.runs.current?.ended !== undefined,
        saw: { en: `the second start failed: ${again.saw.en}`, ru: `второй запуск не удался: ${again.saw.ru}` },
      }
    }
    return undefined
  },
}

const busy: EchoCheck = {
  id: 'echo.busy',
  level: 'extra',
  needs: ['echo.start'],
  title: {
    en: 'takes another port when its own is taken, and says which',
    ru: 'берёт другой порт, если её занят, и называет его',
  },
  does: {
    en: 'Takes the program’s port and starts it. Passes when it listens on another one and prints that number.',
    ru: 'Занимает порт программы и запускает её. Засчитывается, если она слушает другой и печатает его номер.',
  },
  causes: {
    'no-fallback': {
      means: {
        en: 'bind fails with EADDRINUSE when another program has the port, and this one gives up',
        ru: 'bind завершается ошибкой EADDRINUSE, если порт занят другой программой, и эта сдаётся',
      },
      change: {
        en: 'catch the error of bind and try the next port, or bind port 0 and ask getsockname',
        ru: 'перехватите ошибку bind и попробуйте следующий порт или привяжите порт 0 и спросите getsockname',
      },
    },
    unsaid: {
      means: {
        en: 'nobody can connect to a port that the program does not tell',
        ru: 'никто не подключится к порту, который программа не назвала',
      },
      change: {
        en: 'print the port that is really used, after bind',
        ru: 'печатайте действительно занятый порт, после bind',
      },
    },
  },
  unless: [foreign],
  async run(bench, server) {
    if (server.program === undefined) return undefined
    const { port } = server
    await bench.runs.discard()
    const holder = createServer()
    const taken = await new Promise<boolean>((resolve) => {
      holder.once('error', () => resolve(false))
      holder.listen(port, () => resolve(true))
    })
    bench.runs.step(`took port ${port} ourselves`, `сами заняли порт ${port}`)
    try {
      if (!taken) return { why: { en: 'its port could not be taken', ru: 'её порт не удалось занять' } }
      const second = await bench.start()
      if (!isServer(second) || second.program === undefined) {
        return {
          cause: 'no-fallback',
          proof: bench.runs.current?.ended !== undefined,
          saw: {
            en: `with port ${port} taken it does not come up${isServer(second) ? '' : `: ${second.saw.en}`}`,
            ru: `при занятом порте ${port} она не поднимается${isServer(second) ? '' : `: ${second.saw.ru}`}`,
          },
        }
      }
      await bench.runs.pause(200)
      if (second.program.output.toString().includes(String(second.port))) return undefined
      return {
        cause: 'unsaid',
        saw: {
          en: `it listens on port ${second.port}, but prints that number nowhere`,
          ru: `она слушает порт ${second.port}, но нигде не печатает этот номер`,
        },
      }
    } finally {
      await bench.runs.discard()
      await new Promise((resolve) => holder.close(resolve))
    }
  },
}

const log: EchoCheck = {
  id: 'echo.log',
  level: 'extra',
  needs: ['echo.keep'],
  title: { en: 'tells of its events', ru: 'сообщает о событиях' },
  does: {
    en: 'Starts it, connects, sends, leaves. Passes when each leaves a trace in its output or in a file of its folder within 0.35 s.',
    ru: 'Запускает, подключается, шлёт, уходит. Засчитывается, если каждое событие за 0,35 с оставило след в выводе или в файле её папки.',
  },
  causes: {
    untold: {
      means: {
        en: 'the task asks for a line for each event; a file that is never flushed holds nothing until the program ends',
        ru: 'задание требует строку на каждое событие; в файле без flush ничего нет, пока программа не завершится',
      },
      change: {
        en: 'print or log at start, accept, recv and when a client leaves, and flush each line',
        ru: 'печатайте или записывайте запуск, accept, recv и уход клиента и сбрасывайте (flush) каждую строку',
      },
    },
  },
  unless: [foreign, atEnd],
  fresh: true,
  async run(bench, server) {
    const { program } = server
    if (program === undefined) return undefined
    const folder = bench.services.plan.folder
    const written = async (): Promise<number> => program.outputBytes + (await fileBytes(folder))
    const untold: string[] = []
    const untoldRu: string[] = []
    let before = 0
    const look = async (en: string, ru: string): Promise<void> => {
      await bench.runs.pause(350 * bench.patience)
      const now = await written()
      if (now <= before) {
        untold.push(en)
        untoldRu.push(ru)
      }
      before = now
    }
    await look('start', 'запуск')
    const conversation = await enter(bench, server, 'untold')
    if (!isConversation(conversation)) return conversation
    await look('connect', 'подключение')
    await bench.ask(conversation, bench.token())
    await look('data', 'данные')
    await bench.closeAll()
    await look('leave', 'уход')
    if (untold.length === 0) return undefined
    return {
      cause: 'untold',
      saw: { en: `no trace of: ${untold.join(', ')}`, ru: `нет следа: ${untoldRu.join(', ')}` },
    }
  },
}

/** Bytes of the files in a folder, but not of what a compiler or an interpreter keeps there. */
async function fileBytes(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.parentPath.includes('__pycache__')) continue
    try {
      bytes += (await readFile(join(entry.parentPath, entry.name))).length
    } catch {
      // Gone, or not to be read: then it tells nothing.
    }
  }
  return bytes
}

export const echoChecks: readonly EchoCheck[] = [
  start,
  reply,
  clean,
  keep,
  next,
  large,
  bulkAll,
  bytes,
  merge,
  utf8,
  binary,
  half,
  tail,
  empty,
  rst,
  second,
  cross,
  many,
  backlog,
  slow,
  spin,
  leak,
  exit,
  log,
  busy,
  restart,
]
