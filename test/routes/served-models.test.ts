import { describe, expect, it } from 'vitest';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { expectRefusal, O200K } from '../support/session.ts';

const LIVE = [
  'kimi-k3.1-pro',
  'kimi-k3.1-pro-highspeed',
  'kimi-k3',
  'kimi-k2.7-code',
  'kimi-k2.7-code-highspeed',
  'kimi-k2.6',
];
const ARTICLE = 'kimi-k2-0905-preview';
const NOTE = 'kimi-emulator-note';

/** A time that stands still: what is live depends on it. */
const at = (day: string): EmulatorOptions => ({ tokenizer: O200K, clock: { now: () => Date.parse(day) } });
const hello = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 64 };
const chat = (api: Api, model: string) => api.post('/v1/chat/completions', { ...hello, model });
const idsOf = async (api: Api) => {
  const { data } = (await api.get<{ data: { id: string }[] }>('/v1/models')).body;
  return data.map(({ id }) => id);
};

describe.each(TRANSPORTS)('models %s', (transport) => {
  it("lists what is live at the emulator's time, then the article's model", async () => {
    expect(await idsOf(await startEmulator(transport, at('2026-11-30')))).toEqual([...LIVE, ARTICLE]);
    const september = await startEmulator(transport, at('2026-09-01'));
    expect(await idsOf(september)).toEqual([...LIVE.slice(2), ARTICLE]);
    const august = await startEmulator(transport, at('2026-08-30'));
    expect(await idsOf(august)).toEqual([...LIVE.slice(2), 'kimi-k2.5', ARTICLE]);
    expect(await idsOf(await startEmulator(transport, at('2025-09-05')))).toEqual([ARTICLE]);
  });

  it("lists today's models where there is a seed", async () => {
    expect(await idsOf(await startEmulator(transport, { tokenizer: O200K, seed: 1 }))).toContain('kimi-k3');
  });

  it('answers for every known model, live or not', async () => {
    const api = await startEmulator(transport, at('2026-11-30'));
    for (const model of [...LIVE, 'kimi-k2.5', ARTICLE, 'kimi-k2-0905']) {
      const { status, body } = await chat(api, model);
      expect([status, body.model]).toEqual([200, model]);
    }
  });

  it('says in a header of the answer since when the live API has the model no longer', async () => {
    const api = await startEmulator(transport, at('2026-11-30'));
    const retired = 'kimi-k2-0905-preview: retired on the live API since 2026-05-25';
    const request = { ...hello, model: ARTICLE };
    const answers = [
      await chat(api, ARTICLE),
      await chat(api, 'kimi-k2-0905'),
      await api.post('/v1/chat/completions', { ...request, stream: true }),
      await api.post('/v1/chat/completions', { ...request, messages: [] }),
      await api.post('/v1/tokenizers/estimate-token-count', { model: ARTICLE, messages: hello.messages }),
      await api.get(`/v1/models/${ARTICLE}`),
      await api.post('/v1/sessions', { model: ARTICLE }),
    ];
    for (const { headers } of answers) expect(headers.get(NOTE)).toBe(retired);
    expect((await chat(api, 'kimi-k2.5')).headers.get(NOTE)).toMatch(/^kimi-k2\.5: .* 2026-08-31$/);
    expect((await chat(api, 'kimi-k3')).headers.get(NOTE)).toBeNull();
  });

  it('says nothing of a retirement that is still to come', async () => {
    const api = await startEmulator(transport, at('2026-05-24'));
    expect((await chat(api, ARTICLE)).headers.get(NOTE)).toBeNull();
  });

  it('answers with models: live for what is live only, and with the 404 of the live API for the rest', async () => {
    const api = await startEmulator(transport, { ...at('2026-11-30'), models: 'live' });
    expect(await idsOf(api)).toEqual(LIVE);
    expect((await chat(api, 'kimi-k3')).status).toBe(200);
    const { message } = expectRefusal(await chat(api, ARTICLE), 'model_not_found');
    expect(message).toBe(`Not found the model ${ARTICLE} or Permission denied`);
    expectRefusal(await chat(api, 'kimi-k2.5'), 'model_not_found');
    expectRefusal(await api.get(`/v1/models/${ARTICLE}`), 'model_not_found');
    const estimate = { model: ARTICLE, messages: hello.messages };
    expectRefusal(await api.post('/v1/tokenizers/estimate-token-count', estimate), 'model_not_found');
    expectRefusal(await api.post('/v1/sessions', { model: ARTICLE }), 'model_not_found');
  });

  it('answers for the models of a list only, under all their names', async () => {
    const models = ['kimi-k2-0905', 'kimi-k3'];
    const api = await startEmulator(transport, { ...at('2026-11-30'), models });
    expect(await idsOf(api)).toEqual(['kimi-k3', ARTICLE]);
    for (const model of [...models, ARTICLE]) expect((await chat(api, model)).status).toBe(200);
    expectRefusal(await chat(api, 'kimi-k2.6'), 'model_not_found');
  });

  it("gives a session without a model the article's, or the first that answers where that does not", async () => {
    const modelOf = async (options: EmulatorOptions) => {
      const api = await startEmulator(transport, { ...at('2026-11-30'), ...options });
      return (await api.post('/v1/sessions')).body.model;
    };
    expect(await modelOf({})).toBe(ARTICLE);
    expect(await modelOf({ models: ['kimi-k2.6', 'kimi-k3'] })).toBe('kimi-k3');
  });

  it('names in the hint of a 404 the models that answer, and when a retired one was retired', async () => {
    const api = await startEmulator(transport, { ...at('2026-11-30'), models: 'live' });
    const hintOf = async (model: string) => (await chat(api, model)).headers.get('kimi-emulator-hint');
    expect(await hintOf('gpt-4')).toBe(`this emulator answers for ${LIVE.join(', ')} (see --models)`);
    expect(await hintOf('kimi-k2.5')).toMatch(/^the live API has kimi-k2\.5 no longer, since 2026-08-31; /);
  });

  it('has the context length of each model, and that of the limit where it is set', async () => {
    const lengths = async (options: EmulatorOptions) => {
      const api = await startEmulator(transport, { ...at('2026-11-30'), ...options });
      const rows = ['kimi-k3', 'kimi-k2.6'].map((id) => api.get(`/v1/models/${id}`));
      return (await Promise.all(rows)).map(({ body }) => body.context_length);
    };
    expect(await lengths({})).toEqual([1_048_576, 262_144]);
    expect(await lengths({ limits: { window_tokens: 32_768 } })).toEqual([32_768, 32_768]);
  });
});
