import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../contract/errors.ts';
import { createSession, tool } from '../support/session.ts';
import { rawServer, startGateway } from './gateway.ts';
import { CASES } from './hostile-cases.ts';
import { answerWith, ask, completion, delta, errorOf, event, FINISH, K3, many, TIMEOUTS, WELL } from './raw-server.ts';

describe.each([false, true])('an upstream, stream: %s', (stream) => {
  it.each(CASES)('that $title fails a turn, and leaves its session as it was', async (each) => {
    const { upstream, says, code = 'upstream_failed', timeouts = TIMEOUTS, isEndless } = each;
    const { base, bad } = await rawServer(upstream);
    const api = await startGateway('over HTTP', base, { timeouts });
    const session = await createSession(api, { ...K3, messages: ask('Before.') });
    const before = await session.state();
    const { status, text } = await session.chat(ask('Where?'), { ...K3, stream });
    expect([200, ERRORS[code].status]).toContain(status);
    expect(errorOf(text), text.slice(0, 200)).toMatchObject({
      type: ERRORS[code].type,
      code,
      message: expect.stringMatching(says),
    });
    expect(await session.state()).toEqual(before);
    expect((await session.chat(ask(WELL), K3)).status).toBe(200);
    expect((await session.messages()).map(({ content }) => content)).toEqual(['Before.', WELL, 'Well.']);
    // A connection is not kept by an answer that nobody reads.
    if (isEndless) await expect.poll(() => [...bad].every(({ closed }) => closed)).toBe(true);
  });
});

describe('a turn is billed by the figures of its answer only where they can be', () => {
  const usage = { prompt_tokens: 40, completion_tokens: 9 };
  it.each([
    ['negative', { ...usage, prompt_tokens: -1 }],
    ['text', { prompt_tokens: '40', completion_tokens: '9' }],
    ['huge', { ...usage, completion_tokens: 1e300 }],
    ['a fraction', { ...usage, completion_tokens: 0.5 }],
    ['a list', [40, 9]],
    ['absent in part', { prompt_tokens: 40 }],
  ])('%s: it is counted here', async (_, told) => {
    const { base } = await rawServer(answerWith(completion({ content: 'At B-14.' }, { usage: told })));
    const api = await startGateway('over HTTP', base);
    const session = await createSession(api, K3);
    expect((await session.chat(ask('Where?'), K3)).status).toBe(200);
    const { total } = await api.emulator.spend();
    expect(total.output_tokens).toBeGreaterThan(0);
    expect(total.output_tokens).toBeLessThan(20);
    expect(total.input_tokens).toBeLessThan(200);
  });

  it('more tokens cached than there are: all of them are cached', async () => {
    const told = { ...usage, cached_tokens: 1e9, prompt_tokens_details: { cached_tokens: 1e9 }, padding: many };
    const { base } = await rawServer(answerWith(completion({ content: 'Yes.' }, { usage: told })));
    const api = await startGateway('over HTTP', base);
    await (await createSession(api, K3)).chat(ask('Where?'), K3);
    const { total } = await api.emulator.spend();
    expect(total).toMatchObject({ input_tokens: 0, cached_tokens: 40, output_tokens: 9 });
    const [entry] = api.emulator.journal.entries({ operation: 'createChatCompletion' });
    expect(entry?.facts.turn?.usage).toEqual({
      prompt_tokens: 40,
      completion_tokens: 9,
      total_tokens: 49,
      cached_tokens: 40,
      prompt_tokens_details: { cached_tokens: 1e9 },
    });
  });

  it('not a number: what is not JSON is not an answer', async () => {
    const { base } = await rawServer(answerWith(completion({ content: 'x' }, { usage }).replace('40', 'NaN')));
    const session = await createSession(await startGateway('over HTTP', base), K3);
    expect((await session.chat(ask('Where?'), K3)).status).toBe(502);
  });
});

describe('a stream that is odd', () => {
  const streamed = async (body: string) => {
    const { base } = await rawServer(answerWith('{}', body));
    const session = await createSession(await startGateway('over HTTP', base), K3);
    const { text } = await session.chat(ask('Where?'), { ...K3, stream: true, tools: [tool('look')] });
    return { session, text };
  };

  it('finishes twice: the session is in the first of them, and the turn is stored once', async () => {
    const { session, text } = await streamed(`${delta({ content: 'B-14' })}${FINISH}${FINISH}data: [DONE]\n\n`);
    expect(text.match(/"finish_reason":"stop"/g)).toHaveLength(2);
    expect(text.match(/"session":/g)).toHaveLength(1);
    expect((await session.messages()).map(({ content }) => content)).toEqual(['Where?', 'B-14']);
  });

  it('has two choices: both are handed on, and the first is stored', async () => {
    const two = event({
      choices: [
        { index: 1, delta: { content: 'Other' } },
        { index: 0, delta: { content: 'First' } },
      ],
    });
    const { session, text } = await streamed(`${two}${FINISH}data: [DONE]\n\n`);
    expect(text.startsWith(two)).toBe(true);
    expect((await session.messages()).map(({ content }) => content)).toEqual(['Where?', 'First']);
  });

  it('goes on behind its end: the rest is not read', async () => {
    const { session } = await streamed(
      `${delta({ content: 'B-14' })}${FINISH}data: [DONE]\n\n${delta({ content: '!' })}`,
    );
    expect((await session.messages()).map(({ content }) => content)).toEqual(['Where?', 'B-14']);
  });
});
