import { describe, expect, it, type TestContext } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import type { Model, TokenizerSource } from '../../emulator/index.ts';
import { openTokenizer } from '../../emulator/tokenizer.ts';
import { MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import {
  createSession,
  expectRefusal,
  O200K,
  type SessionUnderTest,
  sized,
  startSession,
  tool,
  words,
} from '../support/session.ts';
import { requireShared } from '../support/shared.ts';

const K = 1_024;
const WINDOW = 256 * K;
const WINDOW_SMALL = 2_000;

let kimi: TokenizerSource | undefined;

const VOCABULARIES: Record<string, (context: TestContext) => TokenizerSource> = {
  o200k_base: () => O200K,
  "Kimi's": (context) => {
    kimi ??= openTokenizer({ file: requireShared(context, 'vocabulary') });
    return kimi;
  },
};

const CASES = Object.entries(VOCABULARIES).map(([name, source], place) => {
  const transport: Transport = TRANSPORTS[place] ?? 'in process';
  return [transport, name, source] as const;
});

/** A session whose window holds exactly so many tokens. */
async function filled(
  transport: Transport,
  tokenizer: TokenizerSource,
  tokens: number,
  model: Model = saying(words(3)),
): Promise<SessionUnderTest> {
  const session = await startSession(transport, { tokenizer, model });
  for (let rest = tokens; rest > 0; rest -= Math.min(rest, 8 * K)) {
    expect((await session.append(sized(Math.min(rest, 8 * K)))).status).toBe(200);
  }
  expect((await session.show()).body.usage.total_tokens).toBe(tokens);
  return session;
}

describe.each(CASES)('the limits %s with %s vocabulary', (transport, _, vocabulary) => {
  it('a write takes 8,192 tokens and not 8,193, in one message or in several', async (context) => {
    const session = await startSession(transport, { tokenizer: vocabulary(context) });
    const { message } = expectRefusal(await session.append(sized(8 * K + 1)), 'append_too_large', 'messages');
    expect(message).toContain('8192');
    expect(message).toContain('8193');
    const several = { messages: [sized(4 * K), sized(4 * K), sized(5)] };
    expectRefusal(await session.append(several), 'append_too_large', 'messages');
    expect((await session.show()).body).toMatchObject({ version: 1, usage: { total_tokens: 0 } });

    expect((await session.append(sized(8 * K))).body.tokens).toBe(8 * K);
    expect((await session.append({ messages: [sized(4 * K), sized(4 * K)] })).body.tokens).toBe(8 * K);
    expectRefusal(await session.chat([sized(8 * K + 1)]), 'append_too_large', 'messages');
    const created = await session.api.post('/v1/sessions', { messages: [sized(8 * K)] });
    expect(created).toMatchObject({ status: 201, body: { version: 1, usage: { total_tokens: 8 * K } } });
    expectRefusal(
      await session.api.post('/v1/sessions', { messages: [sized(8 * K + 1)] }),
      'append_too_large',
      'messages',
    );
  });

  it('a window holds 262,144 tokens and not 262,145, tools included', async (context) => {
    const session = await filled(transport, vocabulary(context), WINDOW - 8);
    const before = await session.show();
    const over = await session.append(sized(9));
    expect(expectRefusal(over, 'context_window_exceeded').message).toBe(
      'Invalid request: Your request exceeded model token limit: 262144 (requested: 262145)',
    );
    expectRefusal(await session.post('', { tools: [tool('look')] }), 'context_window_exceeded');
    expect((await session.show()).body).toEqual(before.body);
    const { body } = await session.append(sized(8));
    expect(body.usage).toMatchObject({ total_tokens: WINDOW, remaining_tokens: 0 });
    expectRefusal(await session.append(sized(5)), 'context_window_exceeded');
  });

  it('a turn takes the window to its last token and no further', async (context) => {
    const session = await filled(transport, vocabulary(context), WINDOW - 100);
    // 20 new tokens, 3 of the generation prompt and the one that ends the reply leave 76 for the answer.
    const over = await session.chat([sized(20)], { max_tokens: 77 });
    const { message } = expectRefusal(over, 'context_window_exceeded');
    expect(message).toContain('(requested: 262145)');
    const fits = await session.chat([sized(20)], { max_tokens: 76 });
    expect(fits.status).toBe(200);
    expect((await session.show()).body.usage.total_tokens).toBe(WINDOW - 100 + 20 + 3 + 4);
  });

  it('a turn with max_completion_tokens of the whole window gets what is left, to the last token', async (context) => {
    const session = await filled(transport, vocabulary(context), WINDOW - 100, saying(words(500)));
    const { status, body } = await session.chat([sized(20)], { max_completion_tokens: WINDOW });
    expect(status).toBe(200);
    expect(body).toMatchObject({ usage: { completion_tokens: 76 }, choices: [{ finish_reason: 'length' }] });
    expect((await session.show()).body.usage.total_tokens).toBe(WINDOW);
    expectRefusal(await session.chat([sized(5)], { max_completion_tokens: 1 }), 'context_window_exceeded');
  });

  it.for<[string, object]>([
    ['kimi-k3', {}],
    ['kimi-k2.7-code', {}],
    ['kimi-k2.6', {}],
    ['kimi-k2.6', { thinking: { type: 'disabled' } }],
  ])('a turn of %s asked with %j takes the window to its last token', async ([model, asked], context) => {
    const endless = saying(words(2_000));
    const limits = { window_tokens: WINDOW_SMALL, append_tokens: WINDOW_SMALL };
    const api = await startEmulator(transport, { tokenizer: vocabulary(context), limits, model: endless });
    const session = await createSession(api, { model, messages: [sized(1_000)] });
    const { usage } = (await session.chat<ChatCompletion>([sized(20)], { model, max_tokens: 1, ...asked })).body;
    const left = WINDOW_SMALL - usage.prompt_tokens - 1;
    const fresh = await createSession(api, { model, messages: [sized(1_000)] });
    const over = await fresh.chat([sized(20)], { model, max_tokens: left + 1, ...asked });
    expect(expectRefusal(over, 'context_window_exceeded').message).toContain(`(requested: ${WINDOW_SMALL + 1})`);
    const fits = await fresh.chat([sized(20)], { model, max_tokens: left, ...asked });
    expect(fits, fits.text).toMatchObject({ status: 200, body: { usage: { completion_tokens: left } } });
    expect((await fresh.show()).body.usage.total_tokens).toBeLessThanOrEqual(WINDOW_SMALL);
  });

  it('a prompt without a session leaves room for its answer', async (context) => {
    const session = await startSession(transport, { tokenizer: vocabulary(context), model: saying('OK') });
    const ask = (max_tokens: number) =>
      session.api.post('/v1/chat/completions', { model: MODEL, messages: [sized(WINDOW - 103)], max_tokens });
    expect((await ask(100)).status).toBe(200);
    const { error } = (await ask(101)).body as { error: object };
    expect(error).toEqual({
      message: 'Invalid request: Your request exceeded model token limit: 262144 (requested: 262145)',
      type: 'invalid_request_error',
    });
  });

  it('preserve_len is at least 4,096, wherever it stands', async (context) => {
    const session = await filled(transport, vocabulary(context), 12 * K);
    const snapshot = (await session.snapshot()).body.id;
    const share = await session.api.post(`/v1/snapshots/${snapshot}/share`);
    const { share_id } = share.body.share as { share_id: string };
    const places: Record<string, (preserve_len: number) => ReturnType<SessionUnderTest['post']>> = {
      snapshot: (preserve_len) => session.post('/snapshots', { preserve_len }),
      rollback: (preserve_len) => session.post('/rollback', { snapshot_id: snapshot, preserve_len }),
      fork: (preserve_len) => session.api.post('/v1/sessions', { snapshot_id: snapshot, preserve_len }),
      'fork of a share': (preserve_len) =>
        session.api.post('/v1/sessions', { share_id, preserve_len }, { key: 'other' }),
      compress: (preserve_len) => session.post('/compress', { preserve_len, ratio: 1.5 }),
      truncate: (preserve_len) => session.post('/truncate', { preserve_len }),
    };
    for (const [name, place] of Object.entries(places)) {
      for (const small of [4 * K - 1, 0, -4 * K]) {
        const { message } = expectRefusal(await place(small), 'preserve_len_too_small', 'preserve_len');
        expect(message, name).toContain('4096');
      }
      expect((await place(4 * K)).status, name).toBeLessThan(300);
    }
    expect((await session.show()).body.usage.total_tokens).toBeLessThanOrEqual(4 * K);
  });
});

describe.each(TRANSPORTS)('the limits of an account %s', (transport) => {
  it('are 100 sessions and not 101, freed by deletion, and its own', async () => {
    const first = await startSession(transport);
    const { api } = first;
    for (let count = 2; count <= 100; count += 1) await createSession(api);
    const refused = await api.post('/v1/sessions', {});
    expect(expectRefusal(refused, 'session_limit_reached').message).toContain('100');
    expect((await api.get('/v1/sessions?limit=100')).body).toMatchObject({ has_more: false });
    await createSession(api, {}, 'sk-other');
    await api.delete(first.path);
    await createSession(api);
    expectRefusal(await api.post('/v1/sessions', {}), 'session_limit_reached');
  });

  it('count snapshots, those of compress and of deleted sessions too', async () => {
    const options = { limits: { snapshots: 2, min_preserve_tokens: 16 } };
    const session = await startSession(transport, options, { messages: [sized(200), sized(200)] });
    const kept = (await session.snapshot()).body.id;
    const other = await createSession(session.api);
    await other.snapshot();
    await session.api.delete(other.path);
    const before = await session.state();
    expect(expectRefusal(await session.snapshot(), 'snapshot_limit_reached').message).toContain('2');
    expectRefusal(await session.compress({ ratio: 2 }), 'snapshot_limit_reached');
    expect(await session.state()).toEqual(before);
    expect((await session.compress({ ratio: 2, dry_run: true })).status).toBe(200);
    await session.api.delete(`/v1/snapshots/${kept}`);
    expect((await session.compress({ ratio: 2 })).status).toBe(200);
  });
});
