import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';
import { contentText, type InputMessage } from '../../contract/messages.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { renderK3Prompt } from '../../emulator/engines/tokens/k3-template.ts';
import { countPieces } from '../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import type { Model, ModelDelta } from '../../emulator/index.ts';
import { KIMI_FILE } from '../engines/tokens/oracles.ts';
import { tokenizerNamed } from '../engines/tokens/under-test.ts';
import { type Api, readEvents, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { createSession, O200K, type SessionUnderTest, words } from '../support/session.ts';

const user = (content: string): InputMessage => ({ role: 'user', content });

function thought(content: string, reasoning_content: string): InputMessage {
  return { role: 'assistant', content, reasoning_content };
}

/** A model that gives what the test has put there. */
function giving(...deltas: ModelDelta[]): Model {
  return {
    name: 'giving',
    async *complete() {
      yield* deltas;
    },
  };
}

function chat(api: Api, body: object) {
  return api.post<ChatCompletion>('/v1/chat/completions', { model: 'kimi-k3', ...body });
}

const GREETING = [{ role: 'system', content: '你是一个简洁、准确的助手。' }, user('你好')];
const OFF = { thinking: { type: 'disabled' } };

// The official suite and live captures of 2026-07 to 2026-09: each is one of the facts that the counting has to meet.
it.for<[string, number, object]>([
  ['a greeting, thinking disabled', 36, { messages: GREETING, ...OFF }],
  ['a greeting at the default effort, max', 103, { messages: GREETING }],
  ['an answer in the history, at effort high', 99, { messages: [thought('你好', '')], reasoning_effort: 'high' }],
  ['"Reply exactly OK"', 88, { messages: [user('Reply exactly OK')] }],
])('prompt_tokens of kimi-k3 are the live ones: %s takes %i', async ([, tokens, body], context) => {
  await tokenizerNamed('kimi-k2', context);
  const api = await startEmulator('over HTTP', { tokenizer: KIMI_FILE });
  const { status, body: answer, text } = await chat(api, body);
  expect(status, text).toBe(200);
  expect(answer.usage.prompt_tokens).toBe(tokens);
});

// Differences of completion_tokens and reasoning_tokens in live captures of 2026-08: 50/33, 97/44, 51/15.
it.for<[string, number, ModelDelta]>([
  ['a one-token answer', 17, { type: 'text', text: 'OK' }],
  ['get_weather {"city":"Paris"}', 53, { type: 'tool_call', name: 'get_weather', arguments: '{"city":"Paris"}' }],
  ['ping {}', 36, { type: 'tool_call', name: 'ping', arguments: '{}' }],
])('completion_tokens of kimi-k3 are reasoning and its markup: %s adds %i', async ([, tokens, delta], context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  const model = giving({ type: 'reasoning', text: 'The user wants a short answer.' }, delta);
  const api = await startEmulator('over HTTP', { tokenizer: KIMI_FILE, model });
  const { usage } = (await chat(api, { messages: [user('Go')] })).body;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  expect(reasoning).toBe(kimi.count('The user wants a short answer.'));
  expect(usage.completion_tokens).toBe((reasoning ?? 0) + tokens);
});

describe.each(TRANSPORTS)('reasoning %s', (transport) => {
  it('comes before the text, streamed in its own deltas that an empty one ends', async () => {
    const model = giving({ type: 'reasoning', text: 'Look it up.' }, { type: 'text', text: 'It is 7.' });
    const api = await startEmulator(transport, { tokenizer: O200K, model, streamChunkSize: 6 });
    const body = { model: 'kimi-k3', messages: [user('Which?')], stream: true };
    const { chunks } = readEvents((await api.post('/v1/chat/completions', body)).text);
    const events = chunks as unknown as ChatCompletionChunk[];
    expect(events.map((event) => event.choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Look i' },
      { reasoning_content: 't up.' },
      { reasoning_content: '' },
      { content: 'It is ' },
      { content: '7.' },
      {},
    ]);
    const other = { key: 'sk-other' };
    const request = { model: 'kimi-k3', messages: [user('Which?')] };
    const plain = (await api.post<ChatCompletion>('/v1/chat/completions', request, other)).body;
    expect(plain.choices[0]?.message).toEqual({
      role: 'assistant',
      content: 'It is 7.',
      reasoning_content: 'Look it up.',
    });
    expect(events.at(-1)?.choices[0]?.usage).toEqual(plain.usage);
  });

  it('eats a small budget: no text, length, and all of the budget used', async () => {
    const model = giving({ type: 'reasoning', text: words(100) }, { type: 'text', text: 'never' });
    const api = await startEmulator(transport, { tokenizer: O200K, model });
    const { choices, usage } = (await chat(api, { messages: [user('Which?')], max_completion_tokens: 48 })).body;
    expect(choices[0]).toMatchObject({
      finish_reason: 'length',
      message: { content: '', reasoning_content: words(45) },
    });
    expect(usage).toMatchObject({ completion_tokens: 48, completion_tokens_details: { reasoning_tokens: 45 } });
  });

  it('is neither given nor counted by kimi-k3 where thinking is disabled', async () => {
    const model = giving({ type: 'reasoning', text: 'Hm.' }, { type: 'text', text: 'Yes.' });
    const api = await startEmulator(transport, { tokenizer: O200K, model });
    const { choices, usage } = (await chat(api, { messages: [user('Is it?')], ...OFF })).body;
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'Yes.' });
    expect(usage).not.toHaveProperty('completion_tokens_details');
  });

  it('is an empty text and one token of kimi-k2.6 where thinking is disabled', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, model: giving({ type: 'text', text: 'Yes.' }) });
    const { choices, usage } = (await chat(api, { model: 'kimi-k2.6', messages: [user('Is it?')], ...OFF })).body;
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'Yes.', reasoning_content: '' });
    expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: 1 });
  });

  it('of the lookup model says where the answer stands, in less words at a low effort, the same each time', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const messages = [user('The harbour code is 4471.'), user('What is the harbour code?')];
    const reasoning = async (effort?: string) => {
      const body = { messages, ...(effort && { reasoning_effort: effort }) };
      const { choices } = (await chat(api, body)).body;
      expect(choices[0]?.message.content).toContain('4471');
      return choices[0]?.message.reasoning_content ?? '';
    };
    const [low, high, max] = [await reasoning('low'), await reasoning('high'), await reasoning()];
    expect(low).toBe('Message 1, of the user, says it.');
    expect(high).toContain(low);
    expect(max.length).toBeGreaterThan(high.length);
    expect(await reasoning('max')).toBe(max);
  });

  it('stays with its message: append, turn, snapshot, rollback, fork, share, export and import', async () => {
    const model = giving({ type: 'reasoning', text: 'I add one.' }, { type: 'text', text: 'Eight.' });
    const api = await startEmulator(transport, { tokenizer: O200K, model });
    const session = await createSession(api, {
      model: 'kimi-k3',
      messages: [user('Seven?'), thought('Seven.', 'I count.')],
    });
    const snapshot = (await session.snapshot()).body;
    const { body } = await session.chat<ChatCompletion>([user('And then?')], { model: 'kimi-k3' });
    expect(body.choices[0]?.message.reasoning_content).toBe('I add one.');
    const shown = await session.messages();
    expect(shown.map(({ reasoning_content }) => reasoning_content)).toEqual([
      undefined,
      'I count.',
      undefined,
      'I add one.',
    ]);
    expect(shown[3]?.tokens).toBeGreaterThan(shown[3]?.reasoning_tokens ?? 0);
    const file = await api.emulator.state.export();
    await session.rollback(snapshot.id);
    expect(await session.messages()).toEqual(shown.slice(0, 2));
    const share = await api.post<{ share: { share_id: string } }>(`/v1/snapshots/${snapshot.id}/share`);
    for (const origin of [{ snapshot_id: snapshot.id }, { share_id: share.body.share.share_id }]) {
      const forked = await createSession(api, origin);
      expect((await forked.messages()).map(({ reasoning_content }) => reasoning_content)).toEqual([
        undefined,
        'I count.',
      ]);
    }
    const other = await startEmulator(transport, { tokenizer: O200K });
    await other.emulator.state.import(file);
    const { data } = (await other.get<{ data: SessionMessage[] }>(`/v1/sessions/${session.id}/messages`)).body;
    expect(data).toEqual(shown);
  });

  it('is cut before any text where the newest group does not fit', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, limits: { min_preserve_tokens: 16 } });
    const messages = [user('old'), thought(words(30), words(60))];
    const session = await createSession(api, { model: 'kimi-k3', messages });
    const whole = (await session.messages())[1];
    const cut = async (preserve: number) => {
      await session.truncate(preserve);
      const [message] = await session.messages();
      return {
        text: contentText(message?.content).length,
        reasoning: message?.reasoning_content?.length,
        tokens: message?.tokens,
      };
    };
    const least = (whole?.tokens ?? 0) - 60;
    expect(await cut(least + 20)).toEqual({ text: 60, reasoning: 40, tokens: least + 20 });
    expect(await cut(least)).toEqual({ text: 60, reasoning: 0, tokens: least });
    expect(await cut(least - 10)).toEqual({ text: 40, reasoning: 0, tokens: least - 10 });
  });

  it('is dropped by compress, which says how much of it', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const messages = [user(`The code is 17. ${words(300)}`), thought('Noted.', words(200))];
    const session = await createSession(api, { model: 'kimi-k3', messages });
    const { body, text } = await session.compress({ ratio: 2 });
    expect(body.dropped_reasoning_tokens, text).toBe(206);
    expect((await session.messages()).every((message) => message.reasoning_content === undefined)).toBe(true);
  });

  it('is dropped by compress with its tokens also where the prompt had no longer kept it', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const messages = [user(`The code is 17. ${words(300)}`), thought('Noted.', words(200)), user('And now?')];
    const session = await createSession(api, { model: 'kimi-k2.6', messages });
    const { body, text } = await session.compress({ ratio: 2 });
    expect(body.dropped_reasoning_tokens, text).toBe(200);
  });
});

/** Tokens of a window of K2.5 to K2.7, the slow way: which reasoning stays is decided message by message. */
function scratchK26(tokenizer: Tokenizer, messages: readonly SessionMessage[], staysFrom: number): number {
  return messages.reduce((sum, { role, content, tool_calls = [], tool_call_id, reasoning_content }, place) => {
    const text = role === 'tool' ? `## Return of ${tool_call_id}\n${contentText(content)}` : contentText(content);
    const frame = 3 + tokenizer.count(role) + tokenizer.count(text);
    const block = role !== 'assistant' ? 0 : 2 + (place >= staysFrom ? tokenizer.count(reasoning_content ?? '') : 0);
    const calls = tool_calls.reduce(
      (all, { id, function: { arguments: given } }) => all + 3 + tokenizer.count(id) + tokenizer.count(given),
      tool_calls.length > 0 ? 2 : 0,
    );
    return sum + frame + block + calls;
  }, 0);
}

function asBody({ role, content, tool_calls, tool_call_id, reasoning_content }: SessionMessage) {
  return {
    role,
    content,
    ...(tool_calls && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
    ...(reasoning_content !== undefined && { reasoning_content }),
  };
}

const RULES: Record<string, (tokenizer: Tokenizer, messages: readonly SessionMessage[]) => number> = {
  'kimi-k3': (tokenizer, messages) => {
    const settings = { thinking: true, effort: 'max' } as const;
    const bare = countPieces(tokenizer, renderK3Prompt([], settings));
    return countPieces(tokenizer, renderK3Prompt(messages.map(asBody), settings)) - bare;
  },
  'kimi-k2.7-code': (tokenizer, messages) => scratchK26(tokenizer, messages, 0),
  'kimi-k2.6': (tokenizer, messages) =>
    scratchK26(tokenizer, messages, messages.findLastIndex(({ role }) => role === 'user') + 1),
  'kimi-k2.5': (tokenizer, messages) =>
    scratchK26(
      tokenizer,
      messages,
      messages.findLastIndex(({ role, tool_calls }) => role === 'assistant' && !tool_calls) + 1,
    ),
};

type Step =
  | { kind: 'append'; messages: InputMessage[] }
  | { kind: 'truncate'; share: number }
  | { kind: 'snapshot' | 'rollback' | 'fork' | 'turn' };

const text = fc.constantFrom('a', 'two words', '汉字', 'line\nbreak', ' a a a a a a a a');
const group: fc.Arbitrary<InputMessage[]> = fc.oneof(
  text.map((content) => [user(content)]),
  text.map((content) => [{ role: 'system' as const, content, pinned: false }]),
  fc.tuple(text, text).map(([content, reasoning]) => [thought(content, reasoning)]),
  fc.tuple(text, text, text).map(([reasoning_content, first, second]): InputMessage[] => [
    {
      role: 'assistant',
      content: null,
      reasoning_content,
      tool_calls: [
        { id: 'look_0', type: 'function', function: { name: 'look', arguments: '{"at": 1}' } },
        { id: 'find_1', type: 'function', function: { name: 'find', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'find_1', content: second },
    { role: 'tool', tool_call_id: 'look_0', content: first },
  ]),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(group, { minLength: 1, maxLength: 3 })
      .map((groups) => ({ kind: 'append' as const, messages: groups.flat() })),
  },
  { weight: 2, arbitrary: fc.integer({ min: 20, max: 100 }).map((share) => ({ kind: 'truncate' as const, share })) },
  { weight: 3, arbitrary: fc.constantFrom('snapshot', 'rollback', 'fork', 'turn').map((kind) => ({ kind }) as Step) },
);

it.for(Object.keys(RULES))(
  'usage.total_tokens of %s is what its window takes in the next prompt, after any sequence of operations',
  async (model) => {
    const rule = RULES[model];
    const tokenizer = await O200K.load();
    const reply = giving({ type: 'reasoning', text: 'why not' }, { type: 'text', text: 'because' });
    const limits = { min_preserve_tokens: 16, sessions: 100_000, snapshots: 100_000 };
    const api = await startEmulator('in process', { tokenizer: O200K, model: reply, limits });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        let session = await createSession(api, { model, messages: [user('begin')] });
        let snapshot = (await session.snapshot()).body.id;
        for (const taken of steps) {
          session = await take(session, taken, snapshot, model);
          if (taken.kind === 'snapshot') snapshot = (await session.snapshot()).body.id;
          if (taken.kind === 'fork') snapshot = (await session.snapshot()).body.id;
          const messages = await session.messages();
          const { usage } = (await session.show()).body;
          expect(usage.total_tokens).toBe(rule?.(tokenizer, messages));
          expect(usage.total_tokens).toBe(messages.reduce((sum, { tokens }) => sum + tokens, 0));
        }
      }),
      { numRuns: runs(20) },
    );
  },
);

async function take(session: SessionUnderTest, step: Step, snapshot: string, model: string): Promise<SessionUnderTest> {
  if (step.kind === 'append') await session.append({ messages: step.messages });
  if (step.kind === 'truncate') {
    const { usage } = (await session.show()).body;
    await session.truncate(Math.max(16, Math.floor((usage.total_tokens * step.share) / 100)));
  }
  if (step.kind === 'rollback') await session.rollback(snapshot);
  if (step.kind === 'turn') {
    const { status, text: said } = await session.chat([user('next')], { model });
    expect(status, said).toBe(200);
  }
  return step.kind === 'fork' ? createSession(session.api, { snapshot_id: snapshot }) : session;
}
