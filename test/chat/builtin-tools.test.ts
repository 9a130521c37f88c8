import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { readEvents, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, O200K } from '../support/session.ts';

const WEB_SEARCH = { type: 'builtin_function', function: { name: '$web_search' } };
const ASKED = { role: 'user', content: 'Call $web_search: what is the tallest tower?' } as const;
const MODELS = ['kimi-k3', 'kimi-k2.6', 'kimi-k2-0905-preview'];

/** What a client of the documents does: the arguments go back as the result, unchanged. */
function returned({ choices: [choice] }: ChatCompletion): InputMessage[] {
  const message = choice?.message;
  const calls = message?.tool_calls ?? [];
  const results = calls.map(({ id, function: { name, arguments: content } }) => {
    return { role: 'tool' as const, tool_call_id: id, name, content };
  });
  return [{ ...message, role: 'assistant' }, ...results];
}

describe.each(TRANSPORTS)('$web_search %s', (transport) => {
  it.each(MODELS)('is called with its usage, and taken back as its result, on %s', async (model) => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const first = { model, messages: [ASKED], tools: [WEB_SEARCH] };
    const { body } = await api.post<ChatCompletion>('/v1/chat/completions', first);
    const [choice] = body.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.tool_calls).toHaveLength(1);
    const call = choice?.message.tool_calls?.[0];
    expect(call).toMatchObject({ type: 'function', function: { name: '$web_search' } });
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ usage: { total_tokens: 0 } });
    const second = { ...first, messages: [ASKED, ...returned(body)] };
    const answer = await api.post<ChatCompletion>('/v1/chat/completions', second);
    expect(answer.status).toBe(200);
    expect(answer.body.choices[0]?.message.content).toBe('NOT_FOUND');
    expect(answer.body.usage.prompt_tokens).toBeGreaterThan(body.usage.prompt_tokens);
  });

  it('is called in a stream', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const body = { model: 'kimi-k3', messages: [ASKED], tools: [WEB_SEARCH], stream: true };
    const { chunks, done } = readEvents((await api.post('/v1/chat/completions', body)).text);
    expect(done).toBe(true);
    expect(JSON.stringify(chunks)).toContain('"id":"$web_search_0","type":"function","function":{"name":"$web_search"');
  });

  it('is a tool of a session, whose next prompt is counted with it', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const session = await createSession(api, { model: 'kimi-k3', tools: [WEB_SEARCH] });
    const { body } = await session.chat<ChatCompletion>([ASKED], { model: 'kimi-k3' });
    const before = body.session?.usage.total_tokens ?? 0;
    const results = returned(body).slice(1);
    const next = await session.chat<ChatCompletion>(results, { model: 'kimi-k3' });
    expect(next.status).toBe(200);
    expect(next.body.usage.prompt_tokens).toBeGreaterThan(before);
  });
});
