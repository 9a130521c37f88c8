import { describe, expect, it } from 'vitest';
import type { Api } from '../../support/emulator.ts';
import { createSession, type MovableClock, tool } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

const K3 = { model: 'kimi-k3' };
const OFF = { thinking: { type: 'disabled' } };
const WHOLE = { limits: {} };

const user = (content: string) => ({ role: 'user', content });

describe('reasoning-budget', () => {
  const found = (body: object) => judged('reasoning-budget', (api) => chat(api, body), WHOLE);
  it.each([{}, { stream: true }])('error: an answer ended within its reasoning; %j', async (mode) => {
    const eaten = await found({ ...K3, max_tokens: 6, ...mode });
    expect(eaten).toMatchObject({ level: 'error', evidence: [1] });
    expect(eaten.says).toContain('1 answer without content');
  });
  it('error: one of a session', async () => {
    const act = async (api: Api) => (await createSession(api, K3)).chat([user('Hello')], { ...K3, max_tokens: 6 });
    expect(await judged('reasoning-budget', act, WHOLE)).toMatchObject({ level: 'error', evidence: [2] });
  });
  it.each([
    ['whole', { ...K3, max_tokens: 300 }],
    ['cut in its content', { ...K3, ...OFF, max_tokens: 14 }],
    ['of one token, without thinking', { model: 'kimi-k2.6', ...OFF, max_tokens: 1 }],
    ['of a model that does not think', { max_tokens: 1 }],
    ['refused', { ...K3, max_tokens: 6, temperature: 0 }],
  ])('ok: an answer was %s', async (_, body) => {
    expect((await found(body)).level).toBe('ok');
  });
});

describe('prefix-cache', () => {
  const LONG = 'word '.repeat(400);
  const FIRST = user(`${LONG} first`);
  const REST = [{ role: 'assistant', content: 'Yes.' }, user('And then?')];
  const BODY = { ...K3, max_tokens: 300 };
  /** A first request, and one that goes on with the same conversation. */
  const twice =
    (first: object, second: object, messages: object[] = [FIRST, ...REST]) =>
    async (api: Api) => {
      await chat(api, { ...BODY, messages: [FIRST], ...first });
      await chat(api, { ...BODY, messages, ...second });
    };

  it.each([
    ['tools', {}, { tools: [tool('look')] }],
    ['tools', { tools: [tool('look')] }, { tools: [tool('look'), tool('see')] }],
    ['tools', { tools: [tool('look'), tool('see')] }, { tools: [tool('see'), tool('look')] }],
    ['effort', {}, { reasoning_effort: 'low' }],
    ['effort', { thinking: { effort: 'high' } }, { thinking: { effort: 'max' } }],
    ['effort', {}, OFF],
    ['model', {}, { model: 'kimi-k2.6' }],
  ])('warning: the %s changed from %j to %j', async (cause, first, second) => {
    const found = await judged('prefix-cache', twice(first, second), WHOLE);
    expect(found).toMatchObject({ level: 'warning', evidence: [2] });
    expect(found.says).toContain(`(${cause})`);
  });

  it('warning: the tools of a session changed', async () => {
    const act = async (api: Api) => {
      const session = await createSession(api, K3);
      await session.chat([FIRST], BODY);
      await session.chat([user('And then?')], { ...BODY, tools: [tool('look')] });
      await session.chat([user('And now?')], { ...BODY, tools: [tool('look')] });
    };
    const found = await judged('prefix-cache', act, WHOLE);
    expect(found).toMatchObject({ level: 'warning', evidence: [3] });
  });

  it('says how much was read anew: whole blocks of the prompt before', async () => {
    let cached = 0;
    const found = await judged(
      'prefix-cache',
      async (api) => {
        const { body } = await chat(api, { ...BODY, messages: [FIRST] });
        cached = (body as { usage: { prompt_tokens: number } }).usage.prompt_tokens;
        await chat(api, { ...BODY, messages: [FIRST, ...REST], reasoning_effort: 'low' });
      },
      WHOLE,
    );
    expect(cached).toBeGreaterThan(256);
    expect(found.says).toContain(`: ${cached - (cached % 256)} tokens that were cached`);
  });

  it.each<[string, (api: Api, clock: MovableClock) => Promise<unknown>]>([
    ['nothing changed', twice({}, {})],
    [
      'only the tool choice and the form of the answer changed',
      twice({}, { response_format: { type: 'json_object' } }),
    ],
    [
      'an effort changed that the model does not know',
      twice({ model: 'kimi-k2.6' }, { model: 'kimi-k2.6', reasoning_effort: 'low' }),
    ],
    ['the effort was named that is the default', twice({}, { reasoning_effort: 'max' })],
    ['another conversation began', twice({}, { reasoning_effort: 'low' }, [user(`${LONG} other`), ...REST])],
    ['the same question was asked of another model', twice({}, { model: 'kimi-k2.6' }, [FIRST])],
    [
      'the tools were brought by a system message',
      twice({}, {}, [FIRST, ...REST, { role: 'system', tools: [tool('look')] }]),
    ],
    [
      'two agents take turns, each in a conversation of its own',
      async (api) => {
        const tools = Array.from({ length: 10 }, (_, place) => tool(`look_${place}`));
        for (const messages of [[FIRST], [FIRST, ...REST], [FIRST, ...REST, ...REST]]) {
          for (const own of [{}, { model: 'kimi-k2.6' }, { tools }]) await chat(api, { ...BODY, messages, ...own });
        }
      },
    ],
    [
      'the prompt was too short to be cached',
      async (api) => {
        const short = user('Hello');
        await chat(api, { ...BODY, messages: [short] });
        await chat(api, { ...BODY, messages: [short, ...REST], reasoning_effort: 'low' });
      },
    ],
    [
      'the cache had expired by then',
      async (api, clock) => {
        await chat(api, { ...BODY, messages: [FIRST] });
        clock.passSeconds(301);
        await chat(api, { ...BODY, messages: [FIRST, ...REST], reasoning_effort: 'low' });
      },
    ],
  ])('ok: %s', async (_, act) => {
    const found = await judged('prefix-cache', act, WHOLE);
    expect(found).toMatchObject({ level: 'ok', evidence: [] });
  });
});
