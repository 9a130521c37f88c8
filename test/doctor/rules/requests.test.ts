import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../contract/snapshots.ts';
import type { Api } from '../../support/emulator.ts';
import { saying } from '../../support/held-model.ts';
import { called, createSession, type MovableClock, result, sized, tool } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

describe('leaked-sessions', () => {
  it('ok: all were deleted', async () => {
    const found = await judged('leaked-sessions', async (api) => api.delete((await createSession(api)).path));
    expect(found).toMatchObject({ level: 'ok', says: '1 session created, all deleted' });
  });
  it.each([{}, { seed: 1 }])(
    'warning: a reset took it away, though the next of its name was deleted; %j',
    async (options) => {
      const found = await judged(
        'leaked-sessions',
        async (api) => {
          await createSession(api);
          api.emulator.state.reset();
          await api.delete((await createSession(api)).path);
        },
        options,
      );
      expect(found).toMatchObject({ level: 'warning', evidence: [1] });
      expect(found.says).toContain('1 of 2 sessions created and never deleted (1 of them removed by a reset');
    },
  );
  it('ok: deleted after a reset that gave it back', async () => {
    const found = await judged('leaked-sessions', async (api) => {
      const session = await createSession(api);
      api.emulator.state.saveBaseline();
      api.emulator.state.reset();
      await api.delete(session.path);
    });
    expect(found.level).toBe('ok');
  });
  it('warning: one was not', async () => {
    expect(await judged('leaked-sessions', createSession)).toMatchObject({ level: 'warning', evidence: [1] });
  });
  it('error: none was to be had', async () => {
    const found = await judged('leaked-sessions', async (api) => {
      for (let count = 0; count < 3; count += 1) await api.post('/v1/sessions');
    });
    expect(found).toMatchObject({ level: 'error', evidence: [1, 2, 3] });
    expect(found.says).toContain('2 of 2 sessions created and never deleted');
  });
});

describe('max-tokens', () => {
  it.each([
    ['ok', { max_tokens: 5 }],
    ['ok', { max_completion_tokens: 5 }],
    ['warning', {}],
  ] as const)('%s: %j', async (level, more) => {
    expect((await judged('max-tokens', (api) => chat(api, more))).level).toBe(level);
  });
});

describe('max-tokens, of an answer that no window holds', () => {
  const found = (rule: string, body: object) => judged(rule, (api) => chat(api, body), { limits: {} });
  it.each([{ model: 'kimi-k3', max_tokens: 2_000_000 }, { max_tokens: 262_144 }])('error: %j', async (body) => {
    const beyond = await found('max-tokens', body);
    expect(beyond).toMatchObject({ level: 'error', evidence: [1] });
    expect(beyond.says).toContain(`up to ${body.max_tokens.toLocaleString('en-US')} tokens`);
    expect((await found('window-cut', body)).level).toBe('ok');
  });
  it('error: one of a session', async () => {
    const act = async (api: Api) =>
      (await createSession(api, { model: 'kimi-k3' })).chat([sized(10)], { model: 'kimi-k3', max_tokens: 2_000_000 });
    expect(await judged('max-tokens', act, { limits: {} })).toMatchObject({ level: 'error', evidence: [2] });
  });
  it('ok: the window was full of its messages', async () => {
    const act = (api: Api) => chat(api, { max_tokens: 900 }, 'word '.repeat(1_500));
    expect((await judged('max-tokens', act)).level).toBe('ok');
    expect(await judged('window-cut', act)).toMatchObject({ level: 'error', evidence: [1] });
  });
});

it('max-tokens names the default answer of each model', async () => {
  const both = async (api: Api) => {
    await chat(api, {});
    await chat(api, { model: 'kimi-k3' });
  };
  const { says } = await judged('max-tokens', both, { limits: {} });
  expect(says).toContain('the default is 1,024 or 131,072');
});

describe('tool-calls', () => {
  const model = saying({ type: 'tool_call', name: 'look', arguments: '{}' });
  const asking = async (api: Api) => {
    const session = await createSession(api, { tools: [tool('look')] });
    await session.chat([sized(10)]);
    return session;
  };
  it('ok: answered, or gone with its session', async () => {
    const answered = async (api: Api) => (await asking(api)).append(result('functions.look:0'));
    expect((await judged('tool-calls', answered, { model })).level).toBe('ok');
    const deleted = async (api: Api) => api.delete((await asking(api)).path);
    expect((await judged('tool-calls', deleted, { model })).level).toBe('ok');
  });
  it('warning: left open', async () => {
    expect(await judged('tool-calls', asking, { model })).toMatchObject({ level: 'warning', evidence: [2] });
  });
  it('warning: left open when a reset came', async () => {
    const found = await judged('tool-calls', async (api) => (await asking(api)).api.emulator.state.reset(), { model });
    expect(found).toMatchObject({ level: 'warning', evidence: [2] });
    expect(found.says).toContain('1 tool call never answered (1 of them before a reset)');
  });
  it('ok: rolled back', async () => {
    const rolledBack = async (api: Api) => {
      const session = await createSession(api);
      const { body } = await session.snapshot();
      await session.append(called('a'));
      await session.rollback((body as Snapshot).id);
    };
    expect((await judged('tool-calls', rolledBack)).level).toBe('ok');
  });
  it('error: something else was sent', async () => {
    const found = await judged('tool-calls', async (api) => (await asking(api)).append(sized(10)), { model });
    expect(found).toMatchObject({ level: 'error', evidence: [3] });
  });
});

describe('ignored-fields', () => {
  it('warning: misspelt, or of another API', async () => {
    const found = await judged('ignored-fields', (api) => chat(api, { max_token: 5, user: 'me', thinkin: {} }));
    expect(found).toMatchObject({ level: 'warning', evidence: [1] });
    expect(found.says).toContain('max_token, user, thinkin');
  });
  it('warning: one misspelt field behind many that the live API knows', async () => {
    const turns = Array.from({ length: 40 }, (_, place) =>
      place % 2 === 0
        ? { role: 'user', content: 'Hi' }
        : { role: 'assistant', content: 'Hi', reasoning_content: 'Hm.', reasoning: 'Hm.' },
    );
    const messages = [...turns, { role: 'user', content: 'Hi', nmae: 'Al' }];
    const found = await judged('ignored-fields', (api) => chat(api, { messages, max_token: 5 }));
    expect(found.says).toContain('messages[1].reasoning, messages[40].nmae, max_token');
    expect(found.says).not.toContain('reasoning_content');
  });
  it.each([
    { thinking: { type: 'enabled', keep: 'all', effort: 'high' } },
    { reasoning_effort: 'max' },
    { prompt_cache_key: 'k', prompt_cache_options: { mode: 'implicit', ttl: '1h' } },
    { safety_identifier: 'me' },
    { prediction: { type: 'content', content: 'x' } },
    { logprobs: false, top_logprobs: 0 },
    { max_completion_tokens: 5, parallel_tool_calls: true },
    { stream_options: { include_usage: true } },
    {
      messages: [
        { role: 'system', tools: [tool('look')], content: '' },
        { role: 'user', content: 'Hi' },
      ],
    },
    {
      messages: [
        { role: 'assistant', content: 'a', reasoning_content: 'b' },
        { role: 'user', content: 'Hi' },
      ],
    },
    { tools: [{ ...tool('look'), function: { ...tool('look').function, strict: false } }] },
  ])('ok: %j is a field of the live API', async (more) => {
    expect((await judged('ignored-fields', (api) => chat(api, { model: 'kimi-k3', ...more }))).level).toBe('ok');
  });
});

it('refusals: not those that passed on a retry, nor what other rules tell', async () => {
  const busy = (times: number) => async (api: Api, clock: MovableClock) => {
    const session = await createSession(api);
    api.emulator.faults.add({ effect: 'session_busy' });
    for (let time = 0; time < times; time += 1) {
      await session.append(sized(10));
      clock.passSeconds(1);
    }
    await session.append(result('no such call'));
  };
  expect((await judged('refusals', busy(2))).level).toBe('ok');
  const lost = await judged('refusals', busy(1));
  expect(lost).toMatchObject({ level: 'warning', evidence: [2] });
  expect(lost.says).toContain('session_busy (1)');
});

it('refusals: counts them by code, with the hint of the first', async () => {
  const found = await judged('refusals', async (api) => {
    await api.get('/v1/sessions/sess_unknown');
    await api.get('/v1/sessions/sess_other');
    await chat(api, { n: 0 });
  });
  expect(found).toMatchObject({ level: 'warning', evidence: [1, 2, 3] });
  expect(found.says).toContain('session_not_found (2), invalid_request (1)');
  expect(found.fix).toContain('hint of #1: no session sess_unknown');
});
