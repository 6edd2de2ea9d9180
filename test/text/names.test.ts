import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import confusables from 'unhomoglyph/data.json' with { type: 'json' }
import { LookAlikes, skeleton } from '../../src/text/look-alikes.ts'
import { checkKnownName, checkName, nameKey, roomName } from '../../src/text/names.ts'
import { anyText } from '../support/any-text.ts'

describe('a name', () => {
  test.each([
    ['Ada'],
    ['Ada Lovelace'],
    ['Ünal'],
    ['李小龍'],
    ['😀'],
    ['o’Neill'],
    ['x'.repeat(32)],
    ['😀'.repeat(32)],
    ['e\u0301'.repeat(32)],
    ['Nguyễn Văn Ệ'],
    ['राम शर्मा'],
    ['রহিম'],
    ['สมชาย'],
    ['רות'],
    ['محمد ٣'],
    ['김철수'],
    ['山田 太郎 Smith'],
    ['あいうえおー'],
    ['ʻokina'],
    ['J. R. Tolkien'],
    ['Jean-Luc'],
    ['student_17'],
    ['root'],
    ['Servera'],
  ])('%j is good', (typed) => {
    expect(checkName(typed).kind).toBe('good')
  })

  test.each([
    ['', 'empty'],
    ['x'.repeat(33), 'long'],
    ['😀'.repeat(33), 'long'],
    [' ', 'space'],
    [' Ada', 'space'],
    ['Ada ', 'space'],
    ['Ada  Lovelace', 'space'],
    ['Ada\u00a0Lovelace', 'space'],
    ['Ada\u3000', 'space'],
    ['Ada\n', 'control'],
    ['Ada\r', 'control'],
    ['\u001b[31mAda\u001b[0m', 'control'],
    ['\u009b31m', 'control'],
    ['A\0da', 'control'],
    ['A\u007f', 'control'],
    ['\u202eadA', 'control'],
    ['A\u2066da\u2069', 'control'],
    ['A\u200bda', 'control'],
    ['A\u00adda', 'control'],
    ['\ufeffAda', 'control'],
    ['A\u3164', 'control'],
    ['\u2028', 'control'],
    ['\ud800', 'control'],
    ['\ue000', 'control'],
    ['\u0301a', 'mark'],
    ['Jos\ufffd', 'encoding'],
    ['exit', 'reserved'],
    ['EXIT', 'reserved'],
    ['resume', 'reserved'],
    ['Resume the work', 'reserved'],
    ['Ada (operator)', 'sign'],
    ['Ada: hello', 'sign'],
    ['Ada, Bob', 'sign'],
    ['Ada; Bob', 'sign'],
    ['@Ada', 'sign'],
    ['Ada@home', 'sign'],
    ['#lobby', 'sign'],
    ['*Ada', 'sign'],
    ['* Ada', 'sign'],
    ['-operator-', 'sign'],
    ['!Ada', 'sign'],
    ['"Ada"', 'sign'],
    ['Ada>', 'sign'],
    ['Ada/Bob', 'sign'],
    ['Ada|', 'sign'],
    ['Ada=', 'sign'],
    ['Ada.', 'sign'],
    ['_Ada', 'sign'],
    ["'Ada", 'sign'],
    ['Ada\uff1a hello', 'sign'],
    ['Ada\ufe55', 'sign'],
    ['Ada\u2236 hello', 'sign'],
    ['Ada\u02d0 hello', 'sign'],
    ['Ada\ua789 hello', 'sign'],
    ['\ua4ee\ua4fd', 'sign'],
    ['अदा\u0903 नमस्ते', 'sign'],
    ['Ada\uff0c Bob', 'sign'],
    ['Ada\u060c Bob', 'sign'],
    ['❗Ada', 'sign'],
    ['➖Ada', 'sign'],
    ['Ⅷ', 'sign'],
    ['©', 'sign'],
    ['x²', 'sign'],
    ['\u2800', 'control'],
    ['Ada\u2800', 'control'],
    ['\u{13441}', 'control'],
    ['\u{1d159}', 'control'],
    ['\u115f', 'control'],
    ['\uffa0', 'control'],
    ['A\u034fda', 'control'],
    ['A\u180eda', 'control'],
    ['A\u{e0100}da', 'control'],
    ['ⵍ\u2d7fⵍ', 'control'],
    [`A${'\u0301\u0302'.repeat(15)}`, 'mark'],
    [`A${'\u0301'.repeat(31)}`, 'mark'],
    ['A\u0301\u0301', 'mark'],
    ['A\u0301\u0302\u0303\u0304\u0305', 'mark'],
    ['A\u20dd', 'mark'],
    ['123', 'letterless'],
    ['7', 'letterless'],
    ['1 2', 'letterless'],
    ['１２３', 'letterless'],
    ['٣٤', 'letterless'],
    ['10.0.0.1', 'letterless'],
    ['Аda', 'scripts'],
    ['Adа', 'scripts'],
    ['Ada Лавлейс', 'scripts'],
    ['Αda', 'scripts'],
    ['Ꭺda', 'scripts'],
    ['Ad\u0561', 'scripts'],
    ['ひ\u0410', 'scripts'],
    ['A\u05b0', 'scripts'],
    ['محمد 7٣', 'scripts'],
    ['\u{10330}\u{10331}', 'scripts'],
    ['operator', 'title'],
    ['OPERATOR', 'title'],
    ['Ｏｐｅｒａｔｏｒ', 'title'],
    ['The Operator', 'title'],
    ['operator-1', 'title'],
    ['Ada.operator', 'title'],
    ['server', 'title'],
    ['Netlab', 'title'],
    ['relay', 'title'],
    ['console', 'title'],
    ['You', 'title'],
  ])('%j is refused: %s', (typed, why) => {
    expect(checkName(typed)).toEqual({ kind: 'bad', why })
  })

  test('of ten megabytes is refused without looking at all of it', () => {
    expect(checkName('x'.repeat(10_000_000))).toEqual({ kind: 'bad', why: 'long' })
  })

  test.each([
    ['ada', 'ADA'],
    ['Ünal', 'u\u0308nal'],
    ['straße', 'STRASSE'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
    ['Ada', 'Ａｄａ'],
    ['office', 'oﬃce'],
    ['Kelvin', '\u212aelvin'],
    ['x2', 'x²'],
  ])('%j and %j are one name', (one, other) => {
    expect(nameKey(one)).toBe(nameKey(other))
  })

  test.each([
    ['Ada', 'Adam'],
    ['Ünal', 'Unal'],
    ['ada', 'a da'],
  ])('%j and %j are two', (one, other) => {
    expect(nameKey(one)).not.toBe(nameKey(other))
  })

  test('checking is stable: a good name is its own normal form, with the same key', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 40 }), (typed) => {
        const check = checkName(typed)
        if (check.kind === 'bad') return
        expect(checkName(check.name)).toEqual(check)
        expect(nameKey(check.key)).toBe(check.key)
        expect([...check.name].length).toBeLessThanOrEqual(32)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a name that somebody may have since the old rule', () => {
  test.each([
    'Ada (operator)',
    'Ada: hello',
    'Ada, Bob',
    '\u2800',
    'Аda',
    '123',
    'operator',
    `A${'\u0301'.repeat(31)}`,
  ])('%j still is one to log in with', (name) => {
    expect(checkKnownName(name)).toMatchObject({ kind: 'good', name: name.normalize('NFC') })
  })
})

describe('names that look alike', () => {
  test.each([
    ['Ada', 'Ada'],
    ['Ada', 'ADA'],
    ['аса', 'aca'],
    ['АСЕ', 'ACE'],
    ['АСЕ', 'Ace'],
    ['Ivan', 'lvan'],
    ['Ivan', '1van'],
    ['Bob', 'B0b'],
    ['Bob', 'b0b'],
    ['Tom', 'Torn'],
    ['Ada', 'ꓮꓓꓮ'],
    ['paypal', '\u{1d429}\u{1d41a}\u{1d432}\u{1d429}\u{1d41a}\u{1d425}'],
    ['o’Neill', "o'Neill"],
    ['ΟΗ', 'OH'],
  ])('%j and %j do, whichever comes first', (one, other) => {
    expect(new LookAlikes([one]).has(other)).toBe(true)
    expect(new LookAlikes([other]).has(one)).toBe(true)
  })

  test.each([
    ['Ada', 'Adam'],
    ['Ian', 'Lan'],
    ['Ali', 'All'],
    ['ivan', 'lvan'],
    ['Zoë', 'Zoe'],
    ['student1', 'student11'],
    ['student2', 'student3'],
    ['Ann Lee', 'AnnLee'],
    ['Мария', 'Марія'],
  ])('%j and %j do not', (one, other) => {
    expect(new LookAlikes([one]).has(other)).toBe(false)
    expect(new LookAlikes([other]).has(one)).toBe(false)
  })

  test.each(['0perator', 'The 0perator', 'ꓳꓑꓰꓣꓮꓔꓳꓣ', 'conso1e'])('%j looks like who speaks for the server', (name) => {
    expect(new LookAlikes().has(name)).toBe(true)
  })

  test('a name is free again when it is taken out, and another with the same look is not', () => {
    const looks = new LookAlikes(['Ivan', 'lvan'])
    looks.remove('lvan')
    expect(looks.has('lvan')).toBe(true)
    looks.remove('Ivan')
    expect(looks.has('lvan')).toBe(false)
  })

  test('a skeleton is its own skeleton', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 40 }), (text) => {
        expect(skeleton(skeleton(text))).toBe(skeleton(text))
      }),
      { numRuns: 1000 },
    )
    for (const character of Object.keys(confusables)) expect(skeleton(skeleton(character))).toBe(skeleton(character))
  })

  test('no good name has a character that looks like a sign of a line, and ASCII is treated as the table has it', () => {
    for (const [character, prototype] of Object.entries(confusables)) {
      if (/[:;,!()*@#"]/.test(prototype)) {
        for (const name of [`A${character} b`, character, `${character}a`]) {
          if (checkName(name).kind === 'good')
            throw new Error(`${name} is good, with U+${character.codePointAt(0)?.toString(16)}`)
        }
      }
      if (/^[ -~]$/.test(character)) expect(skeleton(character)).toBe(skeleton(prototype))
    }
  })
})

describe("a room's name", () => {
  test.each([
    ['lobby', 'lobby'],
    ['#Lobby', 'lobby'],
    ['a.b-c_1', 'a.b-c_1'],
    ['Комната', 'комната'],
    ['ｄｅｖ', 'dev'],
    ['e\u0301te', 'éte'],
    ['x'.repeat(32), 'x'.repeat(32)],
    ['a/b', undefined],
    ['a b', undefined],
    ['..', undefined],
    ['.hidden', undefined],
    ['\u202ex', undefined],
    ['', undefined],
    ['#', undefined],
    ['x'.repeat(33), undefined],
    ['ﷺ'.repeat(3), undefined],
    ['l\u043ebby', undefined],
    ['a\u3164', undefined],
    [`a${'\u0301'.repeat(31)}`, undefined],
    ['a\u02d0', undefined],
  ])('%j is %j', (typed, name) => {
    expect(roomName(typed)).toBe(name)
  })

  test('is its own one spelling', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 40 }), (typed) => {
        const name = roomName(typed)
        if (name !== undefined) expect(roomName(name)).toBe(name)
      }),
      { numRuns: 2000 },
    )
  })
})
