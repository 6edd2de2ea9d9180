import type { Hint } from './check.ts'

/** Hints that several checks give: what a mistake means in terms of TCP, and what to change. */

export const crashHint: Hint = {
  means: {
    en: 'an error that nobody catches ends the program, and with it every client that it serves',
    ru: 'ошибка, которую никто не перехватил, завершает программу, а с ней и всех её клиентов',
  },
  change: {
    en: 'read the last line of the trace: it names the call; catch the error around that one client and go on with the next',
    ru: 'прочитайте последнюю строку трассировки: она называет вызов; перехватите ошибку вокруг одного клиента и продолжайте со следующим',
  },
}

export const oneRecvHint: Hint = {
  means: {
    en: 'TCP is a stream of bytes: one recv returns what has arrived, at most as much as its argument, and knows no messages',
    ru: 'TCP – поток байтов: один recv возвращает то, что пришло, не больше своего аргумента, и ничего не знает о сообщениях',
  },
  change: {
    en: 'call recv in a loop and send back each portion, until recv returns an empty result',
    ru: 'вызывайте recv в цикле и отправляйте каждую порцию назад, пока recv не вернёт пустой результат',
  },
}

export const keepHint: Hint = {
  means: {
    en: 'a client may send any number of messages over one connection; only an empty recv says that it has ended',
    ru: 'клиент может отправить сколько угодно сообщений по одному соединению; только пустой recv говорит, что он закончил',
  },
  change: {
    en: 'put recv and send into a loop for each client, and leave it when recv returns an empty result',
    ru: 'поместите recv и send в цикл для каждого клиента и выходите из него, когда recv вернёт пустой результат',
  },
}

export const nextHint: Hint = {
  means: {
    en: 'accept returns one connection; the next client waits in the queue of listen until accept is called again',
    ru: 'accept возвращает одно соединение; следующий клиент ждёт в очереди listen, пока accept не вызовут снова',
  },
  change: {
    en: 'call accept in a loop of its own, around the loop that serves one client; do not close the listening socket',
    ru: 'вызывайте accept в отдельном цикле, вокруг цикла одного клиента; не закрывайте слушающий сокет',
  },
}

export const decodeHint: Hint = {
  means: {
    en: 'a letter may be cut between two portions: half of one is not valid UTF-8, and decoding it fails or spoils it',
    ru: 'буква может быть разрезана между двумя порциями: её половина – неверный UTF-8, и декодирование падает или портит её',
  },
  change: {
    en: 'send the bytes back as they came: an echo needs no decoding; for the log decode with an error handler, or whole lines only',
    ru: 'отправляйте байты назад как есть: эху не нужно декодирование; для журнала декодируйте с обработкой ошибок или только целые строки',
  },
}

export const threadHint: Hint = {
  means: {
    en: 'while the program waits in recv or send for one client, nobody calls accept or serves the others',
    ru: 'пока программа ждёт в recv или send одного клиента, никто не вызывает accept и не обслуживает других',
  },
  change: {
    en: 'serve every client in a thread of its own, or all of them with select; the accept loop itself must not wait for a client',
    ru: 'обслуживайте каждого клиента в своём потоке или всех через select; сам цикл accept не должен ждать клиента',
  },
}

export const silentVisitors: Hint = {
  means: {
    en: 'a client may leave without a word: recv returns an empty result, which is no reason to stop serving others',
    ru: 'клиент может уйти молча: recv возвращает пустой результат, и это не повод перестать обслуживать других',
  },
  change: {
    en: 'on an empty result leave the loop of that client only, and go back to accept',
    ru: 'при пустом результате выходите только из цикла этого клиента и возвращайтесь к accept',
  },
}

export const resetHint: Hint = {
  means: {
    en: 'a client that crashes or loses its network sends RST: recv and send then raise an error instead of returning',
    ru: 'клиент, который упал или потерял сеть, посылает RST: recv и send тогда возбуждают ошибку, а не возвращаются',
  },
  change: {
    en: 'catch the error around recv and send of that client (ConnectionResetError, BrokenPipeError; EPIPE and ECONNRESET in C), close its socket, go on',
    ru: 'перехватите ошибку вокруг recv и send этого клиента (ConnectionResetError, BrokenPipeError; EPIPE и ECONNRESET в C), закройте его сокет и продолжайте',
  },
}

export const startCauses: Readonly<Record<string, Hint>> = {
  crash: {
    means: {
      en: 'the program ends before it listens, so that no client can connect',
      ru: 'программа завершается раньше, чем начинает слушать порт, и ни один клиент не подключится',
    },
    change: {
      en: 'start it by hand as the report shows, and mend the line that the trace names',
      ru: 'запустите её вручную так, как показано в отчёте, и исправьте строку из трассировки',
    },
  },
  missing: {
    means: {
      en: 'the command or a file that it needs does not exist',
      ru: 'команды или нужного ей файла не существует',
    },
    change: { en: 'check the command, the file name and --cwd', ru: 'проверьте команду, имя файла и --cwd' },
  },
  ends: {
    means: {
      en: 'a server runs until it is told to stop; this one ends by itself before it listens',
      ru: 'сервер работает, пока его не остановят; эта программа завершается сама, не начав слушать',
    },
    change: {
      en: 'look whether bind, listen and accept are reached; its output above says how far it came',
      ru: 'проверьте, доходит ли дело до bind, listen и accept; её вывод показывает, где она остановилась',
    },
  },
  asks: {
    means: {
      en: 'it asks its operator for something, and none of our answers satisfied it',
      ru: 'она спрашивает что-то у оператора, и ни один из наших ответов не подошёл',
    },
    change: {
      en: 'give the answers in order with --answer; if the program is right to refuse them, nothing is wrong with it',
      ru: 'передайте ответы по порядку через --answer; если программа отказывает правильно, ошибки в ней нет',
    },
  },
  refused: {
    means: {
      en: 'nobody listens there, or a firewall is in the way',
      ru: 'там никто не слушает, или мешает брандмауэр',
    },
    change: {
      en: 'check the address and the port, and that the server runs',
      ru: 'проверьте адрес и порт и то, что сервер запущен',
    },
  },
  deaf: {
    means: {
      en: 'without bind and listen the system refuses every connection',
      ru: 'без bind и listen система отклоняет все подключения',
    },
    change: {
      en: 'call listen after bind, before the first accept, and on a TCP socket (SOCK_STREAM)',
      ru: 'вызовите listen после bind и до первого accept, на TCP-сокете (SOCK_STREAM)',
    },
  },
}
