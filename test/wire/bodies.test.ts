import { describe, expect, it } from 'vitest';
import { MODEL, TRANSPORTS } from '../support/emulator.ts';
import { startFixed } from './live.ts';

const PERMISSION =
  '"permission":[{"created":0,"id":"","object":"","allow_create_engine":false,"allow_sampling":false,' +
  '"allow_logprobs":false,"allow_search_indices":false,"allow_view":false,"allow_fine_tuning":false,' +
  '"organization":"public","group":"public","is_blocking":false}],"root":"","parent":""';
const ENTRY =
  '{"id":"kimi-k2-0905-preview","object":"model","created":1757030400,"owned_by":"moonshot",' +
  `${PERMISSION},"context_length":262144,"supports_image_in":false,"supports_video_in":false,"supports_reasoning":false}`;
const K3 =
  '{"id":"kimi-k3","object":"model","created":1784160000,"owned_by":"moonshot",' +
  `${PERMISSION},"context_length":1048576,"supports_image_in":true,"supports_video_in":true,"supports_reasoning":true,` +
  '"supports_dynamic_tools":true,"supports_thinking_type":"only",' +
  '"think_efforts":{"support":true,"valid_efforts":["low","high","max"],"default_effort":"max"},' +
  '"reasoning_efforts":["low","high","max"]}';

describe.each(TRANSPORTS)('the bodies of the live API %s', (transport) => {
  it('lists models with their context length', async () => {
    const api = await startFixed(transport);
    const { text } = await api.get('/v1/models');
    expect(text.startsWith('{"object":"list","data":[{"id":"kimi-k3.1-pro",')).toBe(true);
    expect(text.endsWith(`,${ENTRY}]}`)).toBe(true);
    expect(text).toContain(`,${K3},`);
    expect((await api.get('/v1/models/kimi-k3')).text).toBe(K3);
    expect((await api.get(`/v1/models/${MODEL}`)).text).toBe(ENTRY);
    expect((await api.get('/v1/models/kimi-k2-0905')).text).toBe(ENTRY.replace('-preview', ''));
  });

  it('estimates tokens: a one-token user message is a prompt of 8', async () => {
    const api = await startFixed(transport);
    const estimate = (messages: object[]) =>
      api.post('/v1/tokenizers/estimate-token-count', { model: MODEL, messages });
    const { text, status } = await estimate([{ role: 'user', content: 'hi' }]);
    expect(status).toBe(200);
    expect(text).toBe('{"data":{"total_tokens":8}}');
    const two = [
      { role: 'system', content: 'hi' },
      { role: 'user', content: 'hi' },
    ];
    expect((await estimate(two)).text).toBe('{"data":{"total_tokens":13}}');
  });

  it('estimates what a chat is then charged for', async () => {
    const api = await startFixed(transport);
    const request = { model: MODEL, messages: [{ role: 'user', content: 'How many tokens does 你好 take?' }] };
    const { body: estimate } = await api.post<{ data: { total_tokens: number } }>(
      '/v1/tokenizers/estimate-token-count',
      request,
    );
    const { body: chat } = await api.post<{ usage: { prompt_tokens: number } }>('/v1/chat/completions', request);
    expect(estimate.data.total_tokens).toBe(chat.usage.prompt_tokens);
  });

  it('answers the balance', async () => {
    const api = await startFixed(transport);
    const { text } = await api.get('/v1/users/me/balance');
    expect(text).toBe(
      '{"code":0,"data":{"available_balance":49.58894,"voucher_balance":46.58893,"cash_balance":3.00001},' +
        '"scode":"0x0","status":true}',
    );
  });

  it.each([
    ['GET', '/v1/nothing'],
    ['POST', '/v1/completions'],
    ['DELETE', '/v1/models'],
  ])('answers an unknown route: %s %s', async (method, path) => {
    const api = await startFixed(transport);
    const { status, text } = await api.send(method, path, undefined, { headers: { 'User-Agent': 'agent/1.0' } });
    expect(status).toBe(404);
    expect(text).toBe(
      `{"code":5,"error":"url.not_found","message":"没找到对象","method":"${method}","scode":"0x5","status":false,` +
        `"ua":"agent/1.0","url":"${path}"}`,
    );
  });
});
