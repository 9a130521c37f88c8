import { setImmediate as tick } from 'node:timers/promises';
import type { Capability } from '../../../contract/capabilities.ts';
import { ERRORS, type ErrorCode } from '../../../contract/errors.ts';
import { AppendAcknowledgement, AppendEnd } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectShape, expectSuccess, expectTrue, preview } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import { sendLines, toLines } from '../../tables/writes.ts';
import type { SendOptions } from '../../wire/api.ts';
import { Reply } from '../../wire/reply.ts';
import { user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';

/** The acknowledgements of a stream that came to its end. @throws Mismatch, Inconclusive */
export function written(reply: Reply): { acknowledged: AppendAcknowledgement[]; end: AppendEnd } {
  const lines = expectSuccess(reply).lines;
  const end = expectShape(AppendEnd, lines.at(-1), `${reply.what}: the last line`);
  return { acknowledged: acknowledgements(reply, lines.slice(0, -1)), end };
}

/** The acknowledgements of a stream that a line ended, which was refused with `code`. @throws Mismatch, Inconclusive */
export function broken(reply: Reply, code: ErrorCode): AppendAcknowledgement[] {
  const lines = expectSuccess(reply).lines;
  const last = lines.at(-1);
  expectTrue(
    typeof last === 'object' && last !== null,
    `${reply.what}: the last line tells the error, got ${preview(last)}`,
  );
  const { headers } = reply;
  const what = `${reply.what}: the last line`;
  expectError(new Reply(what, { status: ERRORS[code].status, headers, text: JSON.stringify(last) }), code);
  return acknowledgements(reply, lines.slice(0, -1));
}

function acknowledgements(reply: Reply, lines: readonly unknown[]): AppendAcknowledgement[] {
  return lines.map((line, index) => expectShape(AppendAcknowledgement, line, `${reply.what}: line ${index}`));
}

export const linesIfMatch = defineCase({
  id: 'ndjson.if-match',
  title: 'If-Match is compared once, before the first line',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'versioning'],
  checks: { 'several-lines-accepted stale-refused stale-changes-nothing': 'ndjson.if-match' },
  async run({ api, check, require }) {
    const { id, version } = await api.createSession();
    const lines = [user('one'), user('two'), user('three')];
    const headers = { 'If-Match': `"${version}"` };
    await require('several-lines-accepted', async () => {
      expectEqual(written(await sendLines(api, id, lines, { headers })).end.lines, lines.length, 'the lines counted');
    });
    const before = await api.stateOf(id);
    const reply = await sendLines(api, id, lines, { headers });
    await check('stale-refused', () => expectError(reply, 'version_conflict'));
    await check('stale-changes-nothing', () => api.expectUnchanged(before));
  },
});

export const linesResend = defineCase({
  id: 'ndjson.resend',
  title: 'a stream repeated with its key writes only the missing lines',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'idempotency', 'versioning'],
  checks: {
    'acknowledged-again written-once rest-written goes-on-after-error key-before-version': 'ndjson.resend',
    'other-bytes-later other-bytes-first': 'ndjson.key-bytes',
  },
  async run({ api, check, nonce }) {
    const { id, version } = await api.createSession();
    const headers = { 'Idempotency-Key': nonce() };
    const first = written(await sendLines(api, id, [user('one'), user('two')], { headers }));
    const again = await sendLines(api, id, [user('one'), user('two')], { headers });
    await check('acknowledged-again', () => {
      expectEqual(written(again).acknowledged, first.acknowledged, 'the acknowledgements of the same lines');
    });
    await check('written-once', async () => {
      expectEqual((await api.getSession(id)).usage.messages, 2, 'the messages of the window');
    });
    await check('rest-written', async () => {
      const { acknowledged, end } = written(
        await sendLines(api, id, [user('one'), user('two'), user('three')], { headers }),
      );
      expectEqual(acknowledged.slice(0, 2), first.acknowledged, 'the acknowledgements of the lines sent before');
      expectEqual(end.lines, 3, 'the lines counted');
      expectEqual(await contents(), ['one', 'two', 'three'], 'the contents of the window');
    });
    await check('goes-on-after-error', async () => {
      const key = { 'Idempotency-Key': nonce() };
      broken(await sendLines(api, id, [user('four'), user('')], { headers: key }), 'invalid_request');
      expectEqual(
        written(await sendLines(api, id, [user('four'), user('five')], { headers: key })).end.lines,
        2,
        'the lines counted',
      );
      expectEqual((await contents()).slice(-2), ['four', 'five'], 'the contents of the window');
    });
    await check('key-before-version', async () => {
      const versions = (await api.getSession(id)).version;
      const guarded = { 'Idempotency-Key': nonce(), 'If-Match': `"${versions}"` };
      const once = written(await sendLines(api, id, [user('six')], { headers: guarded }));
      expectEqual(
        written(await sendLines(api, id, [user('six')], { headers: guarded })).acknowledged,
        once.acknowledged,
        'acknowledgements',
      );
      expectEqual(version < versions, true, 'the lines moved the version on');
    });
    const before = await api.stateOf(id);
    await check('other-bytes-later', async () => {
      const reply = await sendLines(api, id, [user('one'), user('zwei')], { headers });
      expectEqual(broken(reply, 'idempotency_mismatch').length, 1, 'the lines acknowledged');
      await api.expectUnchanged(before);
    });
    await check('other-bytes-first', async () => {
      expectError(await sendLines(api, id, [user('eins')], { headers }), 'idempotency_mismatch');
      await api.expectUnchanged(before);
    });

    async function contents(): Promise<unknown[]> {
      return (await api.windowOf(id)).map(({ content }) => content);
    }
  },
});

/** Clients that leave before they have the answer, and send the same request again under its key: it takes effect once. */

interface Sending {
  name: string;
  needs: readonly Capability[];
  rule: WireRuleId;
  /** The messages that it leaves in an empty window. */
  leaves: number;
  chats?: true;
  /** Its request does not end by itself. */
  open?: true;
  send(context: CaseContext<string>, id: string, send: SendOptions): Promise<Reply>;
}

const LINES = [user('The first line.'), user('The second line.'), user('The third line.')];
const chat =
  (stream: boolean) =>
  ({ api, target, texts }: CaseContext<string>, session_id: string, send: SendOptions) =>
    api.post(
      '/chat/completions',
      {
        model: target.model,
        session_id,
        messages: [user('Reply with the word OK only.')],
        max_tokens: 16 + texts.overhead.answer,
        stream,
      },
      send,
    );

/** A stream whose sender has more to say, and says nothing. */
function unended(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(toLines(LINES))) });
}

const SENDINGS: readonly Sending[] = [
  {
    name: 'line',
    needs: ['sessions.append.stream'],
    rule: 'ndjson.resend',
    leaves: 1,
    send: ({ api }, id, send) => sendLines(api, id, LINES.slice(0, 1), send),
  },
  {
    name: 'lines',
    needs: ['sessions.append.stream'],
    rule: 'ndjson.resend',
    leaves: LINES.length,
    send: ({ api }, id, send) => sendLines(api, id, LINES, send),
  },
  {
    name: 'open-stream',
    open: true,
    needs: ['sessions.append.stream'],
    rule: 'ndjson.resend',
    leaves: LINES.length,
    // The client that comes back ends its stream.
    send: ({ api }, id, send) => sendLines(api, id, send.signal ? unended() : LINES, send),
  },
  {
    name: 'write',
    needs: [],
    rule: 'idempotency.once',
    leaves: LINES.length,
    send: ({ api }, id, send) => api.post(`/sessions/${id}/messages`, { messages: LINES }, send),
  },
  { name: 'chat', needs: ['chat'], rule: 'idempotency.once', leaves: 2, chats: true, send: chat(false) },
  {
    name: 'streamed-chat',
    needs: ['chat', 'chat.stream'],
    rule: 'idempotency.stream',
    leaves: 2,
    chats: true,
    send: chat(true),
  },
];

/** After so many ticks the client leaves: before the request is read, while it is carried out, and when it has been answered. */
const LEAVES_AFTER = [0, 1, 2, 4, 8, 16];
const MAX_RESENT = 60;

/** Sends it again until it is over. @throws Mismatch where it does not end */
async function resent(
  context: CaseContext<string>,
  id: string,
  { send }: Sending,
  options: SendOptions,
): Promise<Reply> {
  let last = '';
  for (let tries = 0; tries < MAX_RESENT; tries += 1) {
    const reply = await send(context, id, options);
    last = reply.text;
    if (!/request_in_progress|session_busy/.test(reply.text)) return expectSuccess(reply);
    // In one process with the server, what is under way needs its turn.
    await tick();
  }
  throw new Mismatch(`a request whose client has left stays in progress: ${last}`);
}

function leavingCase(sending: Sending): Case {
  return defineCase<string>({
    id: `ndjson.left-${sending.name}`,
    title: `a client leaves before the answer to its ${sending.name}, and sends it again`,
    needs: ['sessions', 'sessions.append', 'idempotency', ...sending.needs],
    checks: {
      'left-early': sending.rule,
      ...(!sending.open && { 'left-at-first-piece': sending.rule }),
    },
    cost: () => ({ requests: 400, ...(sending.chats && { promptTokens: 4_096, completionTokens: 512 }) }),
    async run({ api, check, nonce }, context) {
      await check('left-early', async () => {
        for (const ticks of LEAVES_AFTER) {
          const { id } = await api.createSession();
          const options = { headers: { 'Idempotency-Key': nonce() } };
          const client = new AbortController();
          const sent = sending.send(context, id, { ...options, signal: client.signal }).catch(() => undefined);
          for (let waited = 0; waited < ticks; waited += 1) await tick();
          client.abort();
          await sent;
          await resent(context, id, sending, options);
          expectEqual(
            (await api.windowOf(id)).length,
            sending.leaves,
            `the messages of the window, left after ${ticks} ticks`,
          );
          expectSuccess(await api.delete(`/sessions/${id}`));
        }
      });
      // What stands between may hand on an answer only when it is whole, which this one never is.
      if (sending.open) return;
      await check('left-at-first-piece', async () => {
        const { id } = await api.createSession();
        const options = { headers: { 'Idempotency-Key': nonce() } };
        await sending.send(context, id, { ...options, stopWhen: (text) => text !== '' });
        await resent(context, id, sending, options);
        expectEqual((await api.windowOf(id)).length, sending.leaves, 'the messages of the window');
      });
    },
  });
}

export const LEAVING_CASES: readonly Case[] = SENDINGS.map(leavingCase);
