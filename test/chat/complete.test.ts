import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';
import { messageTokens } from '../../emulator/engines/tokens/prompt.ts';
import type { Model, ModelDelta } from '../../emulator/index.ts';
import { type Api, MODEL, readEvents, startEmulator } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { createSession, O200K, sized } from '../support/session.ts';

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    ' b',
    'stop',
    'st',
    'op',
    '\n',
    '<end>',
    '<e',
    'nd>',
    '汉字',
    '汉',
    '😀',
    '👩‍👧',
    ' word',
    '1234',
  ),
  fc.lorem({ maxCount: 4 }),
);
const text = piece.map((said): ModelDelta => ({ type: 'text', text: said }));
const call = fc
  .array(piece, { maxLength: 8 })
  .map(
    (pieces): ModelDelta => ({ type: 'tool_call', name: 'look', arguments: JSON.stringify({ text: pieces.join('') }) }),
  );
const deltas = fc.array(fc.oneof({ weight: 5, arbitrary: text }, { weight: 1, arbitrary: call }), { maxLength: 14 });
const texts = fc.array(text, { maxLength: 14 });
const stops = fc.constantFrom(undefined, 'stop', '<end>', ['<end>', '汉字'], ['\n', 'word'], []);

/** A model that gives what the test has put there. */
class Script implements Model {
  readonly name = 'script';
  deltas: ModelDelta[] = [];

  async *complete(): AsyncGenerator<ModelDelta> {
    yield* this.deltas;
  }
}

async function start(limits: Record<string, number> = {}): Promise<{ api: Api; script: Script }> {
  const script = new Script();
  const api = await startEmulator('in process', { tokenizer: O200K, model: script, streamChunkSize: 3, limits });
  return { api, script };
}

function said(list: readonly ModelDelta[]): string {
  return list.map((delta) => (delta.type === 'text' ? delta.text : '')).join('');
}

/** Choice 0 of a stream, put together as a client does. */
function assemble(chunks: readonly ChatCompletionChunk[]) {
  const calls: { id?: string | undefined; name?: string | undefined; arguments: string }[] = [];
  let content = '';
  for (const { delta } of chunks.flatMap(({ choices }) => choices)) {
    content += delta.content ?? '';
    for (const part of delta.tool_calls ?? []) {
      calls[part.index] ??= { id: part.id, name: part.function.name, arguments: '' };
      (calls[part.index] ?? { arguments: '' }).arguments += part.function.arguments;
    }
  }
  const last = chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0];
  return { content, calls, finish: last?.finish_reason, usage: last?.usage };
}

describe('an answer', () => {
  it('is all that the model said, up to a stop string or to max_tokens', async () => {
    const { api, script } = await start();
    const tokenizer = await O200K.load();
    const property = fc.asyncProperty(texts, stops, fc.integer({ min: 1, max: 20 }), async (list, stop, max_tokens) => {
      script.deltas = list;
      const whole = said(list);
      const places = [stop ?? []]
        .flat()
        .map((each) => whole.indexOf(each))
        .filter((place) => place >= 0);
      const expected = places.length > 0 ? whole.slice(0, Math.min(...places)) : whole;
      const request = { model: MODEL, messages: [sized(9)], max_tokens, stop };
      const { body } = await api.post<ChatCompletion>('/v1/chat/completions', request);
      const [choice] = body.choices;
      const content = choice?.message.content ?? '';
      const tokens = tokenizer.count(content);
      expect(body.usage.completion_tokens).toBe(tokens);
      expect(tokens).toBeLessThanOrEqual(max_tokens);
      if (choice?.finish_reason === 'stop') expect(content).toBe(expected);
      else {
        expect(whole.startsWith(content)).toBe(true);
        // A delta may end inside of a token, and counts more than the text does that it becomes.
        expect(tokenizer.count(expected)).toBeGreaterThanOrEqual(max_tokens - 1);
      }
    });
    await fc.assert(property, { numRuns: runs(80) });
  });

  it('is the same streamed and not, in whole characters, and again from its idempotency key', async () => {
    const { api, script } = await start();
    let keys = 0;
    const settings = fc.record({
      n: fc.integer({ min: 1, max: 3 }),
      max_tokens: fc.integer({ min: 1, max: 60 }),
      stop: stops,
    });
    const property = fc.asyncProperty(deltas, settings, fc.boolean(), async (list, more, include_usage) => {
      script.deltas = list;
      const request = { model: MODEL, messages: [sized(9)], ...more };
      keys += 1;
      // Accounts of their own, so that nothing of the prompt is cached.
      const plain = (await api.post<ChatCompletion>('/v1/chat/completions', request, { key: `sk-plain-${keys}` })).body;
      const call = { key: `sk-streamed-${keys}`, headers: { 'Idempotency-Key': 'key' } };
      const streamed = { ...request, stream: true, stream_options: { include_usage } };
      const first = readEvents((await api.post('/v1/chat/completions', streamed, call)).text);
      script.deltas = [];
      const again = readEvents((await api.post('/v1/chat/completions', streamed, call)).text);

      expect(first.done && again.done).toBe(true);
      const chunks = first.chunks as unknown as ChatCompletionChunk[];
      const replayed = again.chunks as unknown as ChatCompletionChunk[];
      for (const choice of plain.choices) {
        const of = (all: ChatCompletionChunk[]) =>
          assemble(all.filter(({ choices }) => choices[0]?.index === choice.index));
        const { content, tool_calls = [] } = choice.message;
        expect(of(chunks)).toMatchObject({
          content,
          calls: tool_calls.map(({ id, function: { name, arguments: args } }) => ({ id, name, arguments: args })),
          finish: choice.finish_reason,
        });
        expect(of(replayed)).toEqual(of(chunks));
      }
      const total = chunks.map((chunk) => chunk.usage).filter(Boolean);
      expect(total).toEqual(include_usage ? [plain.usage] : []);
      expect(replayed.map((chunk) => chunk.usage).filter(Boolean)).toEqual(total);
      for (const { delta } of chunks.flatMap(({ choices }) => choices))
        expect(delta.content?.isWellFormed()).not.toBe(false);
    });
    // A cut in the middle of a character: the tokens of what is left of it are fewer than were spent.
    const cutCall: ModelDelta = { type: 'tool_call', name: 'look', arguments: '{"text":"👩‍👧"}' };
    const texts = ['a', 'congue', '<e', 'posuere', 'sollicitudin'].map(
      (part): ModelDelta => ({ type: 'text', text: part }),
    );
    const cut: [ModelDelta[], { n: number; max_tokens: number; stop: undefined }, boolean] = [
      [...texts, cutCall],
      { n: 2, max_tokens: 27, stop: undefined },
      false,
    ];
    await fc.assert(property, { numRuns: runs(50), examples: [cut] });
  });

  it('in a session keeps the window within its limit, and usage is prompt + completion + 1', async () => {
    const window_tokens = 120;
    const { api, script } = await start({
      window_tokens,
      append_tokens: 100,
      min_preserve_tokens: 16,
      sessions: 100_000,
    });
    const tokenizer = await O200K.load();
    const begun = fc.option(piece, { nil: undefined });
    const property = fc.asyncProperty(
      deltas,
      stops,
      fc.integer({ min: 1, max: 60 }),
      begun,
      async (list, stop, max_tokens, start) => {
        script.deltas = list;
        const session = await createSession(api);
        const partial = start === undefined ? [] : [{ role: 'assistant', content: start, partial: true }];
        const room = window_tokens - max_tokens - 20 - tokenizer.count(start ?? '');
        const messages = [...(room > 5 ? [sized(room)] : [sized(5)]), ...partial];
        const { status, body } = await session.chat<ChatCompletion>(messages, { max_tokens, stop });
        const { usage } = (await session.show()).body;
        const stored = await session.messages();
        expect(usage.total_tokens).toBeLessThanOrEqual(window_tokens);
        expect(usage.total_tokens).toBe(stored.reduce((sum, { tokens }) => sum + tokens, 0));
        if (status !== 200) {
          expect(stored).toEqual([]);
          return;
        }
        const { prompt_tokens, completion_tokens } = body.usage;
        expect(completion_tokens).toBeLessThanOrEqual(max_tokens);
        const [choice] = body.choices;
        const reply = stored.find(({ role }) => role === 'assistant');
        const cutCall = choice?.finish_reason === 'length' && choice.message.tool_calls !== undefined;
        if (!reply || cutCall) return;
        expect(usage.total_tokens).toBe(prompt_tokens + completion_tokens + 1);
        const message = choice?.message;
        if (start === undefined) {
          const { content, tool_calls } = reply;
          expect(reply.tokens).toBe(completion_tokens + 4);
          expect(reply.tokens).toBe(
            messageTokens(tokenizer, { role: 'assistant', content, ...(tool_calls && { tool_calls }) }),
          );
          expect(content).toBe(message?.content);
        } else expect(reply.content).toBe(start + (message?.content ?? ''));
      },
    );
    await fc.assert(property, { numRuns: runs(100) });
  });
});
