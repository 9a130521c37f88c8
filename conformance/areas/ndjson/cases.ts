import { setImmediate as others } from 'node:timers/promises';
import { ERRORS, type ErrorCode } from '../../../contract/errors.ts';
import { AppendAcknowledgement, AppendEnd } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped, show, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import type { Api } from '../../wire/api.ts';
import {
  append,
  calling,
  createSession,
  getSession,
  type Message,
  result,
  stateOf,
  unchanged,
  user,
  windowOf,
} from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import { Reply } from '../../wire/reply.ts';

/** A line as text stands for itself, well-formed or not. */
type Line = Message | string;

const NDJSON = { 'Content-Type': 'application/x-ndjson' };

function toLines(lines: readonly Line[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** One streamed write. */
function stream(
  api: Api,
  id: string,
  lines: readonly Line[] | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const raw = lines instanceof ReadableStream ? lines : toLines(lines);
  return api.post(`/sessions/${id}/messages`, undefined, { raw, headers: { ...NDJSON, ...headers } });
}

/** The acknowledgements of a stream that came to its end. @throws Mismatch, Fault */
function written(reply: Reply): { acknowledged: AppendAcknowledgement[]; end: AppendEnd } {
  const lines = succeeded(reply).lines;
  const end = shaped(AppendEnd, lines.at(-1), `${reply.what}: the last line`);
  return { acknowledged: acknowledgements(reply, lines.slice(0, -1)), end };
}

/** The acknowledgements of a stream that a line ended, which was refused with `code`. @throws Mismatch, Fault */
function broken(reply: Reply, code: ErrorCode): AppendAcknowledgement[] {
  const lines = succeeded(reply).lines;
  const last = lines.at(-1);
  holds(typeof last === 'object' && last !== null, `${reply.what}: the last line tells the error, got ${show(last)}`);
  const { headers } = reply;
  const what = `${reply.what}: the last line`;
  refused(new Reply(what, { status: ERRORS[code].status, headers, text: JSON.stringify(last) }), code);
  return acknowledgements(reply, lines.slice(0, -1));
}

function acknowledgements(reply: Reply, lines: readonly unknown[]): AppendAcknowledgement[] {
  return lines.map((line, index) => shaped(AppendAcknowledgement, line, `${reply.what}: line ${index}`));
}

const KINDS = ['malformed', 'empty', 'orphan', 'role', 'too-large'] as const;

type Kind = (typeof KINDS)[number];

const CODES: Record<Kind, ErrorCode> = {
  malformed: 'invalid_request',
  empty: 'invalid_request',
  orphan: 'tool_result_orphan',
  role: 'invalid_request',
  'too-large': 'append_too_large',
};

async function lineOf({ texts, limits }: Trial<string>, kind: Kind): Promise<Line> {
  if (kind === 'malformed') return '{"role":"user","content":';
  if (kind === 'empty') return user('');
  if (kind === 'orphan') return result('call_none');
  if (kind === 'role') return '{"role":"robot","content":"beep"}';
  return user(await texts.exactly(limits.append_tokens + 1));
}

const linesBadFirst = defineCase({
  id: 'ndjson.bad-first',
  title: 'a first line that cannot be written is an ordinary refusal',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'malformed-refused': 'ndjson.bad-first',
    'empty-refused': 'ndjson.bad-first',
    'orphan-refused': 'ndjson.bad-first',
    'role-refused': 'ndjson.bad-first',
    'too-large-refused': 'ndjson.bad-first',
    'nothing-stored': 'ndjson.bad-first',
    'accepted-after': 'ndjson.accepted',
    'unknown-session-refused': 'ndjson.unknown-session',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    for (const kind of KINDS) {
      const reply = await stream(api, id, [await lineOf(trial, kind), user('Good.')]);
      await trial.check(`${kind}-refused`, () => refused(reply, CODES[kind]));
    }
    await trial.check('nothing-stored', () => unchanged(api, before));
    await trial.check('accepted-after', async () => succeeded(await stream(api, id, [user('Good.')])));
    await trial.check('unknown-session-refused', async () => {
      refused(await stream(api, neverWas(id), [user('Hello.')]), 'session_not_found');
    });
  },
});

const linesBadLater = defineCase({
  id: 'ndjson.bad-later',
  title: 'a later line that cannot be written ends the stream, and what was acknowledged stays',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'malformed-ends': 'ndjson.bad-later',
    'empty-ends': 'ndjson.bad-later',
    'orphan-ends': 'ndjson.bad-later',
    'role-ends': 'ndjson.bad-later',
    'too-large-ends': 'ndjson.bad-later',
    'nothing-behind-written': 'ndjson.bad-later',
    'acknowledged-stays': 'ndjson.acknowledged-stays',
    'accepted-after': 'ndjson.accepted',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const acknowledged: string[] = [];
    for (const kind of KINDS) {
      const lines = [
        user(`Before ${kind}, one.`),
        user(`Before ${kind}, two.`),
        await lineOf(trial, kind),
        user('Behind.'),
      ];
      const reply = await stream(api, id, lines);
      await trial.check(`${kind}-ends`, () => {
        equal(broken(reply, CODES[kind]).length, 2, 'the lines acknowledged');
      });
      for (const line of reply.lines) {
        if (typeof line === 'object' && line !== null && 'id' in line) acknowledged.push(String(line.id));
      }
    }
    const { messages } = await stateOf(api, id);
    await trial.check('nothing-behind-written', () => {
      holds(!messages.some(({ content }) => content === 'Behind.'), 'a line behind the bad one was written');
    });
    await trial.check('acknowledged-stays', () => {
      equal(
        messages.map((message) => message.id).filter((message) => acknowledged.includes(message)),
        acknowledged,
        'the acknowledged messages that stand in the window',
      );
      holds(acknowledged.length > 0, 'some lines were acknowledged');
    });
    await trial.check('accepted-after', async () => {
      await append(api, id, user('After.'));
      succeeded(await stream(api, id, [user('After all.')]));
    });
  },
});

const linesLimit = defineCase({
  id: 'ndjson.limit',
  title: 'the limit of a write holds for each line, and the window for all',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'each-line-by-itself': 'ndjson.limit',
    'line-over-ends': 'ndjson.limit',
    'most-of-a-window': 'ndjson.long',
    'window-over-ends': 'ndjson.bad-later',
    'window-over-keeps': 'ndjson.acknowledged-stays',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const limit = limits.append_tokens;
    const exact = user(await texts.exactly(limit));
    const over = user(await texts.exactly(limit + 1));
    await trial.check('each-line-by-itself', async () => {
      const { id } = await createSession(api);
      const { end } = written(await stream(api, id, [exact, exact, exact]));
      equal(end.usage.total_tokens, 3 * limit, 'the usage after three lines of the largest size');
    });
    await trial.check('line-over-ends', async () => {
      const { id } = await createSession(api);
      equal(
        broken(await stream(api, id, [exact, over, exact]), 'append_too_large').length,
        1,
        'the lines acknowledged',
      );
      equal((await getSession(api, id)).usage.messages, 1, 'the messages of the window');
    });
    const { id } = await createSession(api);
    // Three fifths of a window: at the true limits, the 150K tokens that no single call may bring.
    const lines = Math.ceil((0.6 * limits.window_tokens) / limit);
    await trial.check('most-of-a-window', async () => {
      const { acknowledged, end } = written(
        await stream(
          api,
          id,
          Array.from({ length: lines }, () => exact),
        ),
      );
      equal([acknowledged.length, end.lines], [lines, lines], 'the lines acknowledged and counted');
      equal(end.usage.total_tokens, lines * limit, 'the usage at the end');
    });
    const before = await stateOf(api, id);
    const room = Math.floor(before.session.usage.remaining_tokens / limit);
    const reply = await stream(
      api,
      id,
      Array.from({ length: room + 2 }, () => exact),
    );
    await trial.check('window-over-ends', () => {
      equal(broken(reply, 'context_window_exceeded').length, room, 'the lines acknowledged');
    });
    await trial.check('window-over-keeps', async () => {
      const { messages } = await stateOf(api, id);
      equal(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      equal(messages.length, before.messages.length + room, 'the messages of the window');
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
  title: 'a stream is read as it comes',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream'],
  checks: {
    'cut-anywhere': 'ndjson.same-rules',
    'no-last-line-end': 'ndjson.last-line-end',
    'stored-at-once': 'ndjson.committed-at-once',
  },
  cost: () => ({ requests: 40 + LINES.length * MAX_LOOKS }),
  async run(trial) {
    const { api } = trial;
    const contents = LINES.map(({ content }) => content);
    await trial.check('cut-anywhere', async () => {
      const { id } = await createSession(api);
      equal(written(await stream(api, id, pieces(toLines(LINES)))).end.lines, LINES.length, 'the lines counted');
      equal(
        (await windowOf(api, id)).map(({ content }) => content),
        contents,
        'the contents of the window',
      );
    });
    await trial.check('no-last-line-end', async () => {
      const { id } = await createSession(api);
      const text = toLines(LINES).trimEnd();
      equal(written(await stream(api, id, pieces(text))).end.lines, LINES.length, 'the lines counted');
    });
    await trial.check('stored-at-once', async () => {
      const { id } = await createSession(api);
      const stood: number[] = [];
      const standing = async (count: number) => {
        for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
          const { usage } = await getSession(api, id);
          if (usage.messages >= count || stood.includes(-1)) return stood.push(usage.messages);
          // In one process with the server, the write needs its turn.
          await others();
        }
        return stood.push(-1);
      };
      written(await stream(api, id, oneByOne(LINES, standing)));
      const expected = LINES.map((_, index) => index + 1);
      holds(!stood.includes(-1), `each line stands in the window before the next is sent: ${stood.join(', ')}`);
      equal(stood, expected, 'the messages in the window after each line');
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

const linesIfMatch = defineCase({
  id: 'ndjson.if-match',
  title: 'If-Match is compared once, before the first line',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'versioning'],
  checks: {
    'several-lines-accepted': 'ndjson.if-match',
    'stale-refused': 'ndjson.if-match',
    'stale-changes-nothing': 'ndjson.if-match',
  },
  async run(trial) {
    const { api } = trial;
    const { id, version } = await createSession(api);
    const lines = [user('one'), user('two'), user('three')];
    const headers = { 'If-Match': `"${version}"` };
    await trial.need('several-lines-accepted', async () => {
      equal(written(await stream(api, id, lines, headers)).end.lines, lines.length, 'the lines counted');
    });
    const before = await stateOf(api, id);
    const reply = await stream(api, id, lines, headers);
    await trial.check('stale-refused', () => refused(reply, 'version_conflict'));
    await trial.check('stale-changes-nothing', () => unchanged(api, before));
  },
});

const linesResend = defineCase({
  id: 'ndjson.resend',
  title: 'a stream sent again under its key writes only what is not written yet',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'idempotency', 'versioning'],
  checks: {
    'acknowledged-again': 'ndjson.resend',
    'written-once': 'ndjson.resend',
    'rest-written': 'ndjson.resend',
    'goes-on-after-error': 'ndjson.resend',
    'key-before-version': 'ndjson.resend',
    'other-bytes-later': 'ndjson.key-bytes',
    'other-bytes-first': 'ndjson.key-bytes',
  },
  async run(trial) {
    const { api } = trial;
    const { id, version } = await createSession(api);
    const headers = { 'Idempotency-Key': trial.nonce() };
    const first = written(await stream(api, id, [user('one'), user('two')], headers));
    const again = await stream(api, id, [user('one'), user('two')], headers);
    await trial.check('acknowledged-again', () => {
      equal(written(again).acknowledged, first.acknowledged, 'the acknowledgements of the same lines');
    });
    await trial.check('written-once', async () => {
      equal((await getSession(api, id)).usage.messages, 2, 'the messages of the window');
    });
    await trial.check('rest-written', async () => {
      const { acknowledged, end } = written(await stream(api, id, [user('one'), user('two'), user('three')], headers));
      equal(acknowledged.slice(0, 2), first.acknowledged, 'the acknowledgements of the lines sent before');
      equal(end.lines, 3, 'the lines counted');
      equal(await contents(), ['one', 'two', 'three'], 'the contents of the window');
    });
    await trial.check('goes-on-after-error', async () => {
      const key = { 'Idempotency-Key': trial.nonce() };
      broken(await stream(api, id, [user('four'), user('')], key), 'invalid_request');
      equal(written(await stream(api, id, [user('four'), user('five')], key)).end.lines, 2, 'the lines counted');
      equal((await contents()).slice(-2), ['four', 'five'], 'the contents of the window');
    });
    await trial.check('key-before-version', async () => {
      const versions = (await getSession(api, id)).version;
      const guarded = { 'Idempotency-Key': trial.nonce(), 'If-Match': `"${versions}"` };
      const once = written(await stream(api, id, [user('six')], guarded));
      equal(written(await stream(api, id, [user('six')], guarded)).acknowledged, once.acknowledged, 'acknowledgements');
      equal(version < versions, true, 'the lines moved the version on');
    });
    const before = await stateOf(api, id);
    await trial.check('other-bytes-later', async () => {
      const reply = await stream(api, id, [user('one'), user('zwei')], headers);
      equal(broken(reply, 'idempotency_mismatch').length, 1, 'the lines acknowledged');
      await unchanged(api, before);
    });
    await trial.check('other-bytes-first', async () => {
      refused(await stream(api, id, [user('eins')], headers), 'idempotency_mismatch');
      await unchanged(api, before);
    });

    async function contents(): Promise<unknown[]> {
      return (await windowOf(api, id)).map(({ content }) => content);
    }
  },
});

const LINESWrite: Message[] = [
  { role: 'system', content: 'Be short.' },
  // U+2028 ends no line of NDJSON, and an escaped line end neither.
  user('汉字 👩‍👧 e\u0301 \u2028 \r\n one line all the same \0'),
  { ...user('Named.'), name: 'ann', pinned: true },
  calling('call_a', 'call_b'),
  result('call_b', 'second'),
  result('call_a', 'first'),
  { role: 'assistant', content: 'Done.' },
];

const linesWrite = defineCase({
  id: 'ndjson.write',
  title: 'each line is a write of its own, acknowledged as such',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream'],
  checks: {
    accepted: 'ndjson.accepted',
    'acknowledged-in-order': 'ndjson.acknowledged',
    'ids-as-listed': 'ndjson.acknowledged',
    'usage-after-each': 'ndjson.acknowledged',
    'version-after-each': 'ndjson.version',
    'end-counts-lines': 'ndjson.end',
    'end-as-read': 'ndjson.end',
    'content-exact': 'ndjson.same-rules',
    'pins-as-written': 'ndjson.same-rules',
    'groups-kept': 'ndjson.same-rules',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const reply = await stream(api, id, LINESWrite);
    await trial.need('accepted', () => written(reply));
    const { acknowledged, end } = written(reply);
    const { session, messages } = await stateOf(api, id);
    await trial.check('acknowledged-in-order', () => {
      const indexes = acknowledged.map(({ index }) => index);
      equal(indexes, [...LINESWrite.keys()], 'the indexes of the acknowledgements');
    });
    await trial.check('ids-as-listed', () => {
      const told = acknowledged.map((line) => ({ id: line.id, tokens: line.tokens }));
      const listed = messages.map((message) => ({ id: message.id, tokens: message.tokens }));
      equal(told, listed, 'ids and tokens of the acknowledgements');
    });
    await trial.check('usage-after-each', () => {
      let total = 0;
      for (const { index, tokens, usage } of acknowledged) {
        total += tokens;
        equal([usage.total_tokens, usage.messages], [total, index + 1], `the usage after line ${index}`);
      }
    });
    await trial.check('version-after-each', () => {
      const versions = acknowledged.map(({ version }) => version);
      const first = versions[0] ?? 0;
      equal(
        versions,
        LINESWrite.map((_, index) => first + index),
        'the versions of the acknowledgements',
      );
    });
    await trial.check('end-counts-lines', () => equal(end.lines, LINESWrite.length, 'the lines counted at the end'));
    await trial.check('end-as-read', () => {
      const { usage, version } = session;
      equal({ usage: end.usage, version: end.version }, { usage, version }, 'usage and version at the end');
    });
    await trial.check('content-exact', () => {
      equal(
        messages.map(({ content, name }) => [content, name]),
        LINESWrite.map(({ content, name }) => [content, name]),
        'contents and names in the window',
      );
    });
    await trial.check('pins-as-written', () => {
      const pins = messages.map(({ pinned }) => pinned);
      equal(pins, [true, false, true, false, false, false, false], 'the pins in the window');
    });
    await trial.check('groups-kept', () => {
      const ids = messages.map(({ tool_call_id, tool_calls }) => tool_call_id ?? tool_calls?.map((call) => call.id));
      equal(
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
];
