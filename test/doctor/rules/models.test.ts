import { describe, expect, it } from 'vitest';
import type { Api } from '../../support/emulator.ts';
import { MODEL } from '../../support/emulator.ts';
import { createSession } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

const toolWith = (properties: object) => ({
  type: 'function',
  function: { name: 'look_up', parameters: { type: 'object', properties } },
});
const refused = toolWith({ a: { type: 'array', items: false } });
const fine = toolWith({ a: { type: 'array', items: { type: 'string' } } });
const format = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'answer', schema } });
const broken = { type: 'object', properties: { a: { enum: ['x'] } } };

describe('schemas', () => {
  it.each<[string, (api: Api) => Promise<unknown>, string]>([
    ['a tool', (api) => chat(api, { tools: [fine, refused] }), 'look_up: function.parameters.properties.a.items: '],
    [
      'a tool in a request that is too long for the journal',
      (api) => chat(api, { tools: [{ ...fine, description: 'd'.repeat(20_000) }, refused] }),
      'items must be an object',
    ],
    ['a tool of a session', (api) => createSession(api, { tools: [refused] }), 'items must be an object'],
    ['a form of an answer', (api) => chat(api, { response_format: format(broken) }), 'response_format: json_schema'],
    [
      'a root without a type',
      (api) => chat(api, { tools: [{ type: 'function', function: { name: 'f_1', parameters: {} } }] }),
      'must be "object"',
    ],
  ])('error: %s that the live API refuses', async (_, act, line) => {
    const found = await judged('schemas', act, { limits: {} });
    expect(found).toMatchObject({ level: 'error', evidence: [1] });
    expect(found.details?.join()).toContain(line);
  });
  it.each<[string, (api: Api) => Promise<unknown>]>([
    ['a tool', (api) => chat(api, { tools: [fine] })],
    [
      'a tool with a type beside anyOf',
      (api) =>
        chat(api, {
          tools: [
            { type: 'function', function: { name: 'f_1', parameters: { type: 'object', anyOf: [{ required: [] }] } } },
          ],
        }),
    ],
    [
      'a form',
      (api) =>
        chat(api, { response_format: format({ type: 'object', properties: { a: { type: 'string', enum: ['x'] } } }) }),
    ],
    [
      'a tool of a session, when it is created and changed',
      async (api) => {
        const { path } = await createSession(api, { tools: [fine] });
        await api.post(path, { tools: [fine] });
      },
    ],
    [
      'a form with strict: false',
      (api) =>
        chat(api, {
          response_format: { type: 'json_schema', json_schema: { name: 'a', schema: broken, strict: false } },
        }),
    ],
    ['JSON without a schema', (api) => chat(api, { response_format: { type: 'json_object' } })],
  ])('ok: %s', async (_, act) => {
    expect((await judged('schemas', act, { limits: {} })).level).toBe('ok');
  });
  it('names a tool once that many requests declare', async () => {
    const found = await judged('schemas', async (api) => {
      for (let time = 0; time < 3; time += 1) await chat(api, { tools: [refused] });
    });
    expect(found.details).toHaveLength(1);
  });
});

describe('retired-models', () => {
  it.each([
    [MODEL, 'kimi-k2-0905-preview (since 2026-05-25)'],
    ['kimi-k2.5', 'kimi-k2.5 (since 2026-08-31)'],
  ])('error: %s', async (model, says) => {
    const found = await judged('retired-models', (api) => chat(api, { model }), { limits: {} });
    expect(found).toMatchObject({ level: 'error', evidence: [1] });
    expect(found.says).toContain(says);
    const created = await judged('retired-models', (api) => createSession(api, { model }), { limits: {} });
    expect(created).toMatchObject({ level: 'error', evidence: [1] });
  });
  it.each([
    ['moonshot-v1-8k', '2026-08-31'],
    ['kimi-k2-thinking-turbo', '2026-05-25'],
    ['kimi-latest', '2026-01-28'],
    ['kimi-thinking-preview', '2025-11-11'],
  ])('error: %s, which the emulator does not know either', async (model, since) => {
    const found = await judged('retired-models', async (api) => {
      expect((await chat(api, { model })).headers.get('kimi-emulator-hint')).toContain(`since ${since}`);
      await api.post('/v1/tokenizers/estimate-token-count', { model, messages: [{ role: 'user', content: 'a' }] });
    });
    expect(found).toMatchObject({ level: 'error', evidence: [1, 2] });
    expect(found.says).toContain(`${model} (since ${since})`);
  });
  it.each(['kimi-k3', 'kimi-k2.6', 'of-another-maker', 'moonshot-v2', 'kimi-k2.7-code'])('ok: %s', async (model) => {
    expect((await judged('retired-models', (api) => chat(api, { model }), { limits: {} })).level).toBe('ok');
  });
});
