import { expect, test } from '@jest/globals'
import { answerFor, wantedBy } from '../../src/check/prompts.ts'

const answers = { host: '127.0.0.1', port: 9090, user: 'Ann', password: 'secret-word' }

test.each([
  ['Введите порт: ', 'port'],
  ['Введите номер порта сервера: ', 'port'],
  ['Enter port (default 9090): ', 'port'],
  ['Порт [9090]: ', 'port'],
  ['Puerto: ', 'port'],
  ['请输入端口号：', 'port'],
  ['Введите адрес хоста: ', 'host'],
  ['Введите имя хоста: ', 'host'],
  ['Enter the host name: ', 'host'],
  ['IP: ', 'host'],
  ['Indirizzo del server: ', 'host'],
  ['Введите адрес и порт: ', 'pair'],
  ['Enter host and port: ', 'pair'],
  ['host:port? ', 'pair'],
  ['Как вас зовут? ', 'name'],
  ['Login: ', 'name'],
  ['Введите имя пользователя: ', 'name'],
  ['Password: ', 'password'],
  ['Введите пароль: ', 'password'],
  ['Start the server? (y/n) ', 'yes'],
  ['1) register 2) log in: ', 'menu'],
  ['Введите ключ: ', 'key'],
  ['> ', 'unknown'],
  ['', 'unknown'],
])('%s asks for a %s', (question, wanted) => {
  expect(wantedBy(question)).toBe(wanted)
})

test('the same question again gets another answer, and in the end just Enter', () => {
  expect([0, 1, 2].map((round) => answerFor('Host: ', round, answers))).toEqual(['127.0.0.1', 'localhost', ''])
  expect([0, 1].map((round) => answerFor('Port: ', round, answers))).toEqual(['9090', ''])
  expect([0, 1, 2].map((round) => answerFor('?', round, answers))).toEqual(['9090', '127.0.0.1', ''])
  expect(answerFor('Port: ', 99, answers)).toBe('127.0.0.1')
})

test('a pair is answered as it is asked for', () => {
  expect(answerFor('host:port? ', 0, answers)).toBe('127.0.0.1:9090')
  expect(answerFor('Введите адрес и порт: ', 0, answers)).toBe('127.0.0.1 9090')
})

test('a rule of the person who checks goes before what is known', () => {
  const rules = [{ pattern: /порт/iu, answer: '7' }]
  expect(answerFor('Порт: ', 0, answers, rules)).toBe('7')
  expect(answerFor('Порт: ', 1, answers, rules)).toBe('')
})
