import { describe, expect, it } from 'vitest';
import { type Api, MODEL, TRANSPORTS } from '../support/emulator.ts';
import { startFixed } from './live.ts';

const hi = { model: MODEL, messages: [{ role: 'user', content: 'hi' }] };
const JSON_TYPE = 'application/json; charset=utf-8';

const REQUESTS: [string, string, (api: Api) => ReturnType<Api['get']>][] = [
  ['models', JSON_TYPE, (api) => api.get('/v1/models')],
  ['balance', JSON_TYPE, (api) => api.get('/v1/users/me/balance')],
  ['an estimate', JSON_TYPE, (api) => api.post('/v1/tokenizers/estimate-token-count', hi)],
  ['a chat', JSON_TYPE, (api) => api.post('/v1/chat/completions', hi)],
  ['a streamed chat', 'text/event-stream', (api) => api.post('/v1/chat/completions', { ...hi, stream: true })],
  ['a session', JSON_TYPE, (api) => api.post('/v1/sessions')],
  ['a refusal', JSON_TYPE, (api) => api.post('/v1/chat/completions', {})],
  ['a missing key', JSON_TYPE, (api) => api.get('/v1/models', { headers: { Authorization: '' } })],
  ['an unknown route', JSON_TYPE, (api) => api.get('/v1/nothing')],
];

describe.each(TRANSPORTS)('headers %s', (transport) => {
  it.each(REQUESTS)('of %s are those of the live API', async (_, type, request) => {
    const api = await startFixed(transport);
    const { headers } = await request(api);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('msh-request-id')).toMatch(/^\S+$/);
    expect(headers.get('server-timing')).toMatch(/^inner; dur=\d+(\.\d+)?$/);
  });

  it('name the trace, the account and its organisation, the same for each request of a key', async () => {
    const api = await startFixed(transport);
    const namesOf = async (key: string) => {
      const { headers } = await api.get('/v1/models', { key });
      expect(headers.get('msh-trace-mode')).toBe('on');
      expect(headers.get('x-msh-trace-id')).toMatch(/^[0-9a-f]{24}$/);
      return ['msh-uid', 'msh-gid', 'msh-org-id', 'msh-project-id'].map((name) => headers.get(name));
    };
    const names = await namesOf('sk-one');
    for (const name of names) expect(name).toMatch(/^[\w-]{20,}$/);
    expect(await namesOf('sk-one')).toEqual(names);
    expect(await namesOf('sk-two')).not.toEqual(names);
    expect((await api.get('/v1/models', { headers: { Authorization: '' } })).headers.get('msh-uid')).toBeNull();
  });

  it('name each request differently', async () => {
    const api = await startFixed(transport);
    const first = await api.get('/v1/models');
    const second = await api.get('/v1/models');
    expect(first.headers.get('msh-request-id')).not.toBe(second.headers.get('msh-request-id'));
  });

  it('tell on every error, and on errors only, whether to try again', async () => {
    const api = await startFixed(transport);
    const told = async (request: ReturnType<Api['get']>) => (await request).headers.get('x-should-retry');
    expect(await told(api.post('/v1/chat/completions', {}))).toBe('false');
    expect(await told(api.get('/v1/sessions/sess_none'))).toBe('false');
    expect(await told(api.get('/v1/nothing'))).toBe('false');
    expect(await told(api.get('/v1/models'))).toBeNull();
  });
});
