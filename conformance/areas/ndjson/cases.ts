import { setImmediate as others } from 'node:timers/promises';
import type { ErrorCode } from '../../../contract/errors.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { NDJSON, sendLines, toLines } from '../../tables/writes.ts';
import { idOf, isPinnedMessage, type Message, toolCall, toolResult, unknownId, user } from '../../wire/sessions.ts';
import { broken, LEAVING_CASES, linesIfMatch, linesResend, written } from './resend-cases.ts';

const KINDS = ['malformed', 'empty', 'orphan', 'role', 'too-large'] as const;

type Kind = (typeof KINDS)[number];

const CODES: Record<Kind, ErrorCode> = {
  malformed: 'invalid_request',
  empty: 'invalid_request',
  orphan: 'tool_result_orphan',
  role: 'invalid_request',
  'too-large': 'append_too_large',
};

async function lineOf({ texts, limits }: CaseContext<string>, kind: Kind): Promise<Message | string> {
  if (kind === 'malformed') return '{"role":"user","content":';
  if (kind === 'empty') return user('');
  if (kind === 'orphan') return toolResult('call_none');
  if (kind === 'role') return '{"role":"robot","content":"beep"}';
  return user(await texts.exactly(limits.append_tokens + 1));
}

const linesBadFirst = defineCase({
  id: 'ndjson.bad-first',
  title: 'an invalid first line is refused like any write',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'malformed-refused empty-refused orphan-refused role-refused too-large-refused': 'ndjson.bad-first',
    'nothing-stored': 'ndjson.bad-first',
    'accepted-after': 'ndjson.accepted',
    'unknown-session-refused': 'ndjson.unknown-session',
  },
  async run({ api, check }, context) {
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    const before = await api.stateOf(id);
    for (const kind of KINDS) {
      const reply = await sendLines(api, id, [await lineOf(context, kind), user('Good.')]);
      await check(`${kind}-refused`, () => expectError(reply, CODES[kind]));
    }
    await check('nothing-stored', () => api.expectUnchanged(before));
    await check('accepted-after', async () => expectSuccess(await sendLines(api, id, [user('Good.')])));
    await check('unknown-session-refused', async () => {
      expectError(await sendLines(api, unknownId(id), [user('Hello.')]), 'session_not_found');
    });
  },
});

const linesBadLater = defineCase({
  id: 'ndjson.bad-later',
  title: 'an invalid later line ends the stream; acknowledged lines stay',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'malformed-ends empty-ends orphan-ends role-ends too-large-ends nothing-behind-written': 'ndjson.bad-later',
    'acknowledged-stays': 'ndjson.acknowledged-stays',
    'accepted-after': 'ndjson.accepted',
  },
  async run({ api, check }, context) {
    const { id } = await api.createSession();
    const acknowledged: string[] = [];
    for (const kind of KINDS) {
      const lines = [
        user(`Before ${kind}, one.`),
        user(`Before ${kind}, two.`),
        await lineOf(context, kind),
        user('Behind.'),
      ];
      const reply = await sendLines(api, id, lines);
      await check(`${kind}-ends`, () => expectEqual(broken(reply, CODES[kind]).length, 2, 'the lines acknowledged'));
      for (const line of reply.lines) {
        if (typeof line === 'object' && line !== null && 'id' in line) acknowledged.push(String(line.id));
      }
    }
    const { messages } = await api.stateOf(id);
    await check('nothing-behind-written', () => {
      expectTrue(!messages.some(({ content }) => content === 'Behind.'), 'a line behind the bad one was written');
    });
    await check('acknowledged-stays', () => {
      expectEqual(
        messages.map(idOf).filter((message) => acknowledged.includes(message)),
        acknowledged,
        'the acknowledged messages that stand in the window',
      );
      expectTrue(acknowledged.length > 0, 'some lines were acknowledged');
    });
    await check('accepted-after', async () => {
      await api.append(id, user('After.'));
      expectSuccess(await sendLines(api, id, [user('After all.')]));
    });
  },
});

const linesLimit = defineCase({
  id: 'ndjson.limit',
  title: 'the write limit applies to each line and the window to all',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'each-line-by-itself line-over-ends': 'ndjson.limit',
    'most-of-a-window': 'ndjson.long',
    'window-over-ends': 'ndjson.bad-later',
    'window-over-keeps': 'ndjson.acknowledged-stays',
  },
  async run({ api, limits, texts, check }) {
    const limit = limits.append_tokens;
    const exact = user(await texts.exactly(limit));
    const over = user(await texts.exactly(limit + 1));
    await check('each-line-by-itself', async () => {
      const { id } = await api.createSession();
      const { end } = written(await sendLines(api, id, [exact, exact, exact]));
      expectEqual(end.usage.total_tokens, 3 * limit, 'the usage after three lines of the largest size');
    });
    await check('line-over-ends', async () => {
      const { id } = await api.createSession();
      expectEqual(
        broken(await sendLines(api, id, [exact, over, exact]), 'append_too_large').length,
        1,
        'the lines acknowledged',
      );
      expectEqual((await api.getSession(id)).usage.messages, 1, 'the messages of the window');
    });
    const { id } = await api.createSession();
    // Three fifths of a window: at the true limits, the 150K tokens that no single call may bring.
    const lines = Math.ceil((0.6 * limits.window_tokens) / limit);
    await check('most-of-a-window', async () => {
      const { acknowledged, end } = written(await sendLines(api, id, Array<Message>(lines).fill(exact)));
      expectEqual([acknowledged.length, end.lines], [lines, lines], 'the lines acknowledged and counted');
      expectEqual(end.usage.total_tokens, lines * limit, 'the usage at the end');
    });
    const before = await api.stateOf(id);
    const room = Math.floor(before.session.usage.remaining_tokens / limit);
    const reply = await sendLines(api, id, Array<Message>(room + 2).fill(exact));
    await check('window-over-ends', () => {
      expectEqual(broken(reply, 'context_window_exceeded').length, room, 'the lines acknowledged');
    });
    await check('window-over-keeps', async () => {
      const { messages } = await api.stateOf(id);
      expectEqual(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      expectEqual(messages.length, before.messages.length + room, 'the messages of the window');
    });
  },
});

const LINES: Message[] = [user('The first line: 汉字 👩‍👧.'), user('The second line.'), user('The third line.')];

/** Cuts characters, escapes and lines wherever it falls. */
const PIECE_BYTES = 5;

/** Looks at the session while a line of it is being written. */
const MAX_LOOKS = 100;

const linesPieces = defineCase({
  id: 'ndjson.pieces',
  title: 'a stream is processed as it arrives',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream'],
  checks: {
    'cut-anywhere': 'ndjson.same-rules',
    'no-last-line-end no-last-line-end-at-once': 'ndjson.last-line-end',
    'last-line-not-lost': 'ndjson.acknowledged',
    'blank-skipped blank-skipped-at-once': 'ndjson.blank-lines',
    'stored-at-once': 'ndjson.committed-at-once',
  },
  cost: () => ({ requests: 40 + LINES.length * MAX_LOOKS }),
  async run({ api, check }) {
    const contents = LINES.map(({ content }) => content);
    await check('cut-anywhere', async () => {
      const { id } = await api.createSession();
      expectEqual(
        written(await sendLines(api, id, pieces(toLines(LINES)))).end.lines,
        LINES.length,
        'the lines counted',
      );
      expectEqual(
        (await api.windowOf(id)).map(({ content }) => content),
        contents,
        'the contents of the window',
      );
    });
    // Sent in pieces, and as one body whose length is known.
    const sendText = (id: string, text: string, way: string) =>
      way === ''
        ? sendLines(api, id, pieces(text))
        : api.post(`/sessions/${id}/messages`, undefined, { raw: text, headers: { 'Content-Type': NDJSON } });
    for (const way of ['', '-at-once'] as const) {
      const storesAll = async (text: string) => {
        const { id } = await api.createSession();
        const { acknowledged, end } = written(await sendText(id, text, way));
        expectEqual(end.lines, LINES.length, 'the lines counted');
        const indexes = acknowledged.map(({ index }) => index);
        expectEqual(indexes, [...LINES.keys()], 'the indexes of the lines');
        const window = await api.windowOf(id);
        expectEqual(
          window.map(({ content }) => content),
          contents,
          'the contents of the window',
        );
        expectSuccess(await api.delete(`/sessions/${id}`));
      };
      await check(`no-last-line-end${way}`, () => storesAll(toLines(LINES).trimEnd()));
      await check(`blank-skipped${way}`, () => storesAll(`\n${toLines(LINES).replaceAll('\n', '\n\r\n')}\n`));
    }
    await check('last-line-not-lost', async () => {
      const { id } = await api.createSession();
      const reply = await sendText(id, toLines(LINES).trimEnd(), '-at-once');
      // A server may ask for the line end, and then says so.
      if (reply.status < 300 && !reply.text.includes('"error"')) {
        expectEqual(written(reply).end.lines, LINES.length, 'the lines counted');
      }
      expectSuccess(await api.delete(`/sessions/${id}`));
    });
    await check('stored-at-once', async () => {
      const { id } = await api.createSession();
      const stood: number[] = [];
      const status = async (count: number) => {
        for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
          const { usage } = await api.getSession(id);
          if (usage.messages >= count || stood.includes(-1)) return stood.push(usage.messages);
          // In one process with the server, the write needs its turn.
          await others();
        }
        return stood.push(-1);
      };
      written(await sendLines(api, id, oneByOne(LINES, status)));
      const expected = LINES.map((_, index) => index + 1);
      expectTrue(!stood.includes(-1), `each line stands in the window before the next is sent: ${stood.join(', ')}`);
      expectEqual(stood, expected, 'the messages in the window after each line');
    });
  },
});

function pieces(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    },
  });
}

/** Each line is sent once `sent` has ended for those before. */
function oneByOne(lines: readonly Message[], sent: (count: number) => Promise<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let count = 0;
  return new ReadableStream({
    async pull(controller) {
      if (count > 0) await sent(count);
      const line = lines[count];
      if (!line) return controller.close();
      controller.enqueue(encoder.encode(toLines([line])));
      count += 1;
    },
  });
}

const LINESWrite: Message[] = [
  { role: 'system', content: 'Be short.' },
  // U+2028 ends no line of NDJSON, and an escaped line end neither.
  user('汉字 👩‍👧 e\u0301 \u2028 \r\n one line all the same \0'),
  { ...user('Named.'), name: 'ann', pinned: true },
  toolCall('call_a', 'call_b'),
  toolResult('call_b', 'second'),
  toolResult('call_a', 'first'),
  { role: 'assistant', content: 'Done.' },
];

/** The same type as anybody may write it. */
const TYPES = [
  ['type-with-charset', `${NDJSON}; charset=utf-8`],
  ['type-in-capitals', 'Application/X-NDJSON'],
] as const;

const linesWrite = defineCase({
  id: 'ndjson.write',
  title: 'each line is written and acknowledged separately',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream'],
  checks: {
    accepted: 'ndjson.accepted',
    'acknowledged-in-order ids-as-listed usage-after-each': 'ndjson.acknowledged',
    'version-after-each': 'ndjson.version',
    'end-counts-lines end-as-read': 'ndjson.end',
    'content-type type-with-charset type-in-capitals': 'ndjson.content-type',
    'content-exact pins-as-written groups-kept': 'ndjson.same-rules',
  },
  async run({ api, check, require }) {
    const { id } = await api.createSession();
    const reply = await sendLines(api, id, LINESWrite);
    await require('accepted', () => written(reply));
    const { acknowledged, end } = written(reply);
    const { session, messages } = await api.stateOf(id);
    await check('acknowledged-in-order', () => {
      const indexes = acknowledged.map(({ index }) => index);
      expectEqual(indexes, [...LINESWrite.keys()], 'the indexes of the acknowledgements');
    });
    await check('ids-as-listed', () => {
      const ids = acknowledged.map((line) => ({ id: line.id, tokens: line.tokens }));
      const listed = messages.map((message) => ({ id: message.id, tokens: message.tokens }));
      expectEqual(ids, listed, 'ids and tokens of the acknowledgements');
    });
    await check('usage-after-each', () => {
      let total = 0;
      for (const { index, tokens, usage } of acknowledged) {
        total += tokens;
        expectEqual([usage.total_tokens, usage.messages], [total, index + 1], `the usage after line ${index}`);
      }
    });
    await check('version-after-each', () => {
      const versions = acknowledged.map(({ version }) => version);
      const first = versions[0] ?? 0;
      expectEqual(
        versions,
        LINESWrite.map((_, index) => first + index),
        'the versions of the acknowledgements',
      );
    });
    await check('content-type', () => {
      const type = reply.headers.get('content-type') ?? '';
      expectEqual(type.split(';')[0]?.trim().toLowerCase(), NDJSON, 'the content type of the acknowledgements');
    });
    for (const [name, type] of TYPES) {
      await check(name, async () => {
        const { id: other } = await api.createSession();
        const sent = await sendLines(api, other, [user('One.'), user('Two.')], { headers: { 'Content-Type': type } });
        expectEqual(written(sent).end.lines, 2, `the lines counted of ${type}`);
        expectSuccess(await api.delete(`/sessions/${other}`));
      });
    }
    await check('end-counts-lines', () => expectEqual(end.lines, LINESWrite.length, 'the lines counted at the end'));
    await check('end-as-read', () => {
      const { usage, version } = session;
      expectEqual({ usage: end.usage, version: end.version }, { usage, version }, 'usage and version at the end');
    });
    await check('content-exact', () => {
      expectEqual(
        messages.map(({ content, name }) => [content, name]),
        LINESWrite.map(({ content, name }) => [content, name]),
        'contents and names in the window',
      );
    });
    await check('pins-as-written', () => {
      const pins = messages.map(isPinnedMessage);
      expectEqual(pins, [true, false, true, false, false, false, false], 'the pins in the window');
    });
    await check('groups-kept', () => {
      const ids = messages.map(({ tool_call_id, tool_calls }) => tool_call_id ?? tool_calls?.map(idOf));
      expectEqual(
        ids,
        [undefined, undefined, undefined, ['call_a', 'call_b'], 'call_b', 'call_a', undefined],
        'calls and what answers them',
      );
    });
  },
});

export const NDJSON_CASES: readonly Case[] = [
  linesWrite,
  linesPieces,
  linesLimit,
  linesBadFirst,
  linesBadLater,
  linesIfMatch,
  linesResend,
  ...LEAVING_CASES,
];
