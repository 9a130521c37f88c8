/** What an upstream may do wrong, each with what a session turn says of it. */
import {
  answerWith,
  bomb,
  chunked,
  chunkOf,
  completion,
  damaged,
  delta,
  drip,
  event,
  FINISH,
  gzipped,
  http,
  type Misbehave,
  many,
  nested,
  TIMEOUTS,
  typeFor,
  writeOn,
} from './raw-server.ts';

/** Where only the size of an answer is to end it. */
export const PATIENT = { ...TIMEOUTS, firstByte: 60_000, idle: 60_000, turn: 60_000 };

const call = (index: number) => ({ index, id: 'same', function: { name: 'look', arguments: '{}' } });

interface Case {
  title: string;
  upstream: Misbehave;
  /** Of the error that a session turn ends with. */
  says: RegExp;
  code?: 'upstream_failed' | 'upstream_timeout';
  timeouts?: typeof TIMEOUTS;
  /** Goes on for as long as it is read. */
  isEndless?: true;
}

export const CASES: readonly Case[] = [
  {
    title: 'never answers',
    isEndless: true,
    upstream: () => undefined,
    says: /no answer for 0.3 seconds/,
    code: 'upstream_timeout',
  },
  {
    title: 'sends its head a byte at a time',
    upstream: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Odd: ');
      drip(socket, 'x', 20);
    },
    says: /no answer for 0.3 seconds/,
    code: 'upstream_timeout',
  },
  {
    title: 'sends headers without end',
    isEndless: true,
    upstream: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      writeOn(socket, `X-Odd: ${'y'.repeat(1_000)}\r\n`);
    },
    says: /does not speak HTTP/,
  },
  {
    title: 'sends its answer a byte at a time',
    isEndless: true,
    upstream: (socket, isStreamed) => {
      socket.write(chunked(typeFor(isStreamed)));
      drip(socket, chunkOf(isStreamed ? ':\n\n' : ' '), 20);
    },
    says: /no end of the answer for 0.6 seconds/,
    code: 'upstream_timeout',
  },
  {
    title: 'stops in the middle of its answer',
    upstream: (socket, isStreamed) => socket.write(chunked(typeFor(isStreamed))),
    says: /no further part of the answer for 0.3 seconds/,
    code: 'upstream_timeout',
  },
  {
    title: 'never ends its answer',
    isEndless: true,
    upstream: (socket, isStreamed) => {
      socket.write(chunked(typeFor(isStreamed)));
      writeOn(socket, chunkOf(isStreamed ? `:${'x'.repeat(50_000)}\n\n` : ' '.repeat(50_000)));
    },
    says: /longer than \d+ bytes/,
    timeouts: PATIENT,
  },
  {
    title: 'never ends an event',
    isEndless: true,
    upstream: (socket, isStreamed) => {
      socket.write(chunked(typeFor(isStreamed)));
      writeOn(socket, chunkOf(`data: ${'x'.repeat(50_000)}`));
    },
    says: /longer than \d+ (?:bytes|characters)/,
    timeouts: PATIENT,
  },
  {
    title: 'sends an event of a million lines',
    upstream: answerWith('x', `${'data:\n'.repeat(500_000)}\n\n`),
    says: /more than 1024 lines|not JSON/,
    timeouts: PATIENT,
  },
  {
    title: 'says more than a window can hold',
    upstream: answerWith(
      completion({ content: 'x'.repeat(5 * 2 ** 20) }),
      delta({ content: 'x'.repeat(2 ** 20) }).repeat(6),
    ),
    says: /longer than \d+ (?:bytes|characters)/,
    timeouts: PATIENT,
  },
  {
    title: 'promises 10 GB and sends what it can',
    isEndless: true,
    upstream: (socket, isStreamed) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${typeFor(isStreamed)}\r\nContent-Length: 10737418240\r\n\r\n`);
      writeOn(socket, Buffer.alloc(65_536, isStreamed ? `:${'x'.repeat(1_000)}\n\n` : ' '));
    },
    says: /longer than \d+ bytes/,
    timeouts: PATIENT,
  },
  {
    title: 'answers with a page',
    upstream: (socket) => socket.write(http('text/html', '<html>Welcome</html>')),
    says: /answered text\/html/,
  },
  {
    title: 'answers with a page without end',
    isEndless: true,
    upstream: (socket) => {
      socket.write(chunked('text/html'));
      writeOn(socket, chunkOf('x'.repeat(50_000)));
    },
    says: /answered text\/html/,
  },
  {
    title: 'names no type',
    upstream: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
    says: /answered no Content-Type/,
  },
  {
    title: 'sends a stream for JSON, and JSON for a stream',
    upstream: (socket, isStreamed) =>
      socket.write(
        isStreamed ? http('application/json', completion({ content: 'x' })) : http('text/event-stream', FINISH),
      ),
    says: /instead of a/,
  },
  {
    title: 'redirects to another host',
    upstream: (socket) =>
      socket.write('HTTP/1.1 307 Go\r\nLocation: https://evil.example/v1\r\nContent-Length: 0\r\n\r\n'),
    says: /answered 307 to evil.example, which is not followed/,
  },
  {
    title: 'redirects to loopback',
    upstream: (socket) => socket.write('HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n'),
    says: /answered 302 to 127.0.0.1:9, which is not followed/,
  },
  {
    title: 'sends bytes that are not UTF-8',
    upstream: answerWith(Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from([0x64, 0xff, 0x0a, 0x0a])),
    says: /not valid UTF-8/,
  },
  { title: 'nests 200,000 lists', upstream: answerWith(nested, `data: ${nested}\n\n`), says: /nested deeper/ },
  {
    title: 'sends a million values',
    upstream: answerWith(many, `data: ${many}\n\n`),
    says: /holds more than \d+ values/,
  },
  { title: 'sends JSON that ends early', upstream: answerWith('{"choices":[', 'data: {"cho\n\n'), says: /not JSON/ },
  {
    title: 'sends JSON that is not a chat',
    upstream: answerWith('[1]', 'data: [1]\n\n'),
    says: /not a chat|something else/,
  },
  {
    title: 'sends fewer bytes than it promised',
    upstream: (socket, isStreamed) =>
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: ${typeFor(isStreamed)}\r\nContent-Length: 999\r\n\r\n: {}`),
    says: /connection broke off/,
  },
  {
    title: 'cuts its JSON by its Content-Length',
    upstream: (socket, isStreamed) => {
      const body = isStreamed ? delta({ content: 'x' }) + FINISH : completion({ content: 'x' });
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${typeFor(isStreamed)}\r\nContent-Length: 20\r\n\r\n${body}`);
    },
    says: /not JSON/,
  },
  {
    title: 'gives two lengths',
    upstream: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} '),
    says: /does not speak HTTP/,
  },
  {
    title: 'gives a length and chunks',
    upstream: (socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'),
    says: /does not speak HTTP/,
  },
  {
    title: 'sends a gzip bomb',
    upstream: answerWith(bomb, bomb, gzipped),
    says: /longer than \d+ (?:bytes|characters)/,
    timeouts: PATIENT,
  },
  { title: 'sends damaged gzip', upstream: answerWith(damaged, damaged, gzipped), says: /encoding is damaged/ },
  {
    title: 'encodes unknown to all',
    upstream: answerWith('{}', FINISH, 'Content-Encoding: zork\r\n'),
    says: /encoding zork/,
  },
  {
    title: 'speaks no HTTP',
    upstream: (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    says: /does not speak HTTP/,
  },
  { title: 'closes before its head', upstream: (socket) => socket.destroy(), says: /connection broke off/ },
  {
    title: 'closes within its head',
    upstream: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Ty'),
    says: /connection broke off|does not speak HTTP/,
  },
  {
    title: 'answers 100 without end',
    isEndless: true,
    upstream: (socket) => writeOn(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
    says: /no answer for 0.3 seconds/,
    code: 'upstream_timeout',
  },
  {
    title: 'answers 103 and then nothing',
    upstream: (socket) => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'),
    says: /no answer for 0.3 seconds/,
    code: 'upstream_timeout',
  },
  {
    title: 'switches protocols',
    upstream: (socket) => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: odd\r\nConnection: Upgrade\r\n\r\nhi'),
    says: /connection broke off/,
  },
  {
    title: 'has a status of its own',
    upstream: (socket) => socket.write('HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'),
    says: /status 999/,
  },
  {
    title: 'has the status 000',
    upstream: (socket) => socket.write('HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n'),
    says: /status 0|does not speak HTTP/,
  },
  {
    title: 'calls a tool in place 1,000,000,000',
    upstream: answerWith(
      '{}',
      delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'look', arguments: '{' } }] }) +
        delta({ tool_calls: [{ index: 1e9, id: 'b', function: { name: 'look', arguments: '}' } }] }) +
        FINISH,
    ),
    says: /index 1000000000|not a chat/,
  },
  {
    title: 'gives two tool calls one id',
    upstream: answerWith(
      completion({ tool_calls: [call(0), call(1)] }),
      delta({ tool_calls: [call(0), call(1)] }) + FINISH,
    ),
    says: /two of its tool calls have the id same/,
  },
  {
    title: 'sends events without data for as long as they are read',
    isEndless: true,
    upstream: (socket, isStreamed) => {
      socket.write(chunked(typeFor(isStreamed)));
      writeOn(socket, chunkOf('\n\n'.repeat(30_000)));
    },
    says: /more than 1000000 events|longer than \d+ bytes/,
    timeouts: PATIENT,
  },
  {
    title: 'finishes without a choice',
    upstream: answerWith('{"choices":[]}', `${event({ choices: [], finish_reason: 'stop' })}data: [DONE]\n\n`),
    says: /not a chat|ended before the answer/,
  },
  {
    title: 'finishes another choice alone',
    upstream: answerWith(
      '{"choices":{}}',
      `${event({ choices: [{ index: 1, delta: { content: 'x' }, finish_reason: 'stop' }] })}data: [DONE]\n\n`,
    ),
    says: /not a chat|ended before the answer/,
  },
];
