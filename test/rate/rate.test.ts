import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TIERS, type Tier, type TierNumber } from '../../contract/limits.ts';
import { createEmulator } from '../../emulator/index.ts';
import { type Api, type Call, MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { MovableClock, O200K } from '../support/session.ts';

/** The organisation and key that the texts name for an account. */
function whoOf(key: string): string {
  const account = createHash('sha256').update(key).digest('hex');
  const digest = createHash('sha256').update(account).digest('hex');
  return `org-${digest.slice(0, 24)}<ak-${digest.slice(24, 44)}>`;
}

const WHO = whoOf('sk-test');
const PROMPT_TOKENS = 8;

async function start(transport: Transport, tier: TierNumber) {
  const api = await startEmulator(transport, {
    rateTier: tier,
    clock: new MovableClock(),
    tokenizer: O200K,
    model: saying('yes'),
  });
  return { api, clock: api.emulator.clock };
}

const chat = (api: Api, more: object = {}, call: Call = {}) =>
  api.post('/v1/chat/completions', { model: MODEL, messages: [{ role: 'user', content: 'a' }], ...more }, call);

function errorOf({ body }: { body: Record<string, unknown> }) {
  return body.error as { message: string; type: string };
}

describe.each(TRANSPORTS)('rate tiers, %s', (transport) => {
  it('lets in so many requests a minute, and again once the minute is over', async () => {
    const { api, clock } = await start(transport, 0);
    expect((await chat(api)).status).toBe(200);
    clock.advance(30_000);
    for (let request = 2; request <= 3; request += 1) expect((await chat(api)).status).toBe(200);
    const refused = await chat(api);
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual({
      error: {
        message: `Your account ${WHO} request reached organization max RPM: 3, please try again after 1 seconds`,
        type: 'rate_limit_reached_error',
      },
    });
    expect([refused.headers.get('retry-after'), refused.headers.get('x-should-retry')]).toEqual(['30', 'true']);
    clock.advance(29_999);
    expect((await chat(api)).headers.get('retry-after')).toBe('1');
    clock.advance(1);
    expect((await chat(api)).status).toBe(200);
    expect((await chat(api)).status).toBe(429);
  });

  it('charges the prompt and the most that the answer may take, a minute long', async () => {
    const { api, clock } = await start(transport, 0);
    const most = { max_tokens: 200_000 };
    expect((await chat(api, most)).status).toBe(200);
    expect((await chat(api, most)).status).toBe(200);
    const refused = await chat(api, most);
    const used = 3 * (200_000 + PROMPT_TOKENS);
    expect([refused.status, errorOf(refused)]).toEqual([
      429,
      {
        message: `Your account ${WHO} request reached organization TPM rate limit, current: ${used}, limit: 500000, please try again after 1 seconds`,
        type: 'rate_limit_reached_error',
      },
    ]);
    expect(refused.headers.get('retry-after')).toBe('60');
    clock.advance(60_000);
    expect((await chat(api, { max_tokens: 99_992 })).status).toBe(200);
  });

  it('says when enough of the minute has passed for the same tokens', async () => {
    const { api, clock } = await start(transport, 0);
    const most = { max_tokens: 200_000 };
    expect((await chat(api, most)).status).toBe(200);
    clock.advance(20_500);
    expect((await chat(api, most)).status).toBe(200);
    const refused = await chat(api, { max_tokens: 250_000 });
    expect(refused.headers.get('retry-after')).toBe('40');
    clock.advance(38_000);
    expect((await chat(api, { max_tokens: 250_000 })).headers.get('retry-after')).toBe('2');
    clock.advance(2_000);
    expect((await chat(api, { max_tokens: 250_000 })).status).toBe(200);
  });

  it('charges tokens a day, which no minute gives back, and says not to try again', async () => {
    const { api, clock } = await start(transport, 0);
    const most = { max_tokens: 250_000 - PROMPT_TOKENS };
    for (let request = 0; request < 6; request += 1) {
      expect((await chat(api, most)).status).toBe(200);
      clock.advance(60_000);
    }
    const refused = await chat(api, { max_tokens: 1 });
    expect(errorOf(refused).message).toBe(
      `Your account ${WHO} request reached organization TPD rate limit, current: ${1_500_000 + PROMPT_TOKENS + 1}, limit: 1500000`,
    );
    expect([refused.headers.get('retry-after'), refused.headers.get('x-should-retry')]).toEqual([null, 'false']);
    clock.advance((24 * 60 - 6) * 60_000);
    expect((await chat(api, { max_tokens: 1 })).status).toBe(200);
  });

  it('charges an answer for each that is asked for', async () => {
    const { api } = await start(transport, 0);
    // Five times 99,999 and a prompt of 8: 500,003.
    const refused = await chat(api, { max_tokens: 99_999, n: 5 });
    expect(errorOf(refused).message).toContain('TPM rate limit, current: 500003, limit: 500000');
    expect((await chat(api, { max_tokens: 99_998, n: 5 })).status).toBe(200);
  });

  it('lets the last token of a minute in, and no more', async () => {
    const { api } = await start(transport, 0);
    const half = 250_000 - PROMPT_TOKENS;
    expect((await chat(api, { max_tokens: half })).status).toBe(200);
    const refused = await chat(api, { max_tokens: half + 1 });
    expect(errorOf(refused).message).toContain('TPM rate limit, current: 500001, limit: 500000');
    expect((await chat(api, { max_tokens: half })).status).toBe(200);
  });

  it('lets the last token of a day in, and no more', async () => {
    const { api, clock } = await start(transport, 0);
    const part = 250_000 - PROMPT_TOKENS;
    for (let request = 0; request < 5; request += 1) {
      expect((await chat(api, { max_tokens: part })).status).toBe(200);
      clock.advance(60_000);
    }
    const refused = await chat(api, { max_tokens: part + 1 });
    expect(errorOf(refused).message).toContain('TPD rate limit, current: 1500001, limit: 1500000');
    expect((await chat(api, { max_tokens: part })).status).toBe(200);
  });

  it('lets the last request of a minute in, and no more', async () => {
    const { api } = await start(transport, 1);
    for (let request = 1; request <= 200; request += 1) expect((await chat(api)).status).toBe(200);
    expect(errorOf(await chat(api)).message).toContain('request reached organization max RPM: 200,');
  });

  it('counts for an account, and for chat only', async () => {
    const { api } = await start(transport, 0);
    for (let request = 0; request < 3; request += 1) await chat(api);
    expect((await chat(api)).status).toBe(429);
    expect((await chat(api, {}, { key: 'sk-other' })).status).toBe(200);
    for (let request = 0; request < 5; request += 1) expect((await api.get('/v1/models')).status).toBe(200);
    expect((await api.post('/v1/sessions')).status).toBe(201);
  });

  it('begins anew with a reset', async () => {
    const { api } = await start(transport, 0);
    for (let request = 0; request < 3; request += 1) await chat(api);
    api.emulator.state.reset();
    expect((await chat(api)).status).toBe(200);
  });

  it('leaves a session as it was that is refused, and free', async () => {
    const { api, clock } = await start(transport, 0);
    const { body: session } = await api.post<{ id: string }>('/v1/sessions');
    const before = (await api.get(`/v1/sessions/${session.id}`)).body;
    const inSession = { session_id: session.id, max_tokens: 200_000 };
    for (let request = 0; request < 2; request += 1) await chat(api, { max_tokens: 200_000 });
    expect(errorOf(await chat(api, inSession)).message).toContain('TPM');
    expect((await api.get(`/v1/sessions/${session.id}`)).body).toEqual(before);
    clock.advance(60_000);
    expect((await chat(api, inSession)).status).toBe(200);
  });
});

it('without rateTier there is no rate limit', async () => {
  const api = await startEmulator('in process', { tokenizer: O200K, model: saying('yes') });
  for (let request = 0; request < 10; request += 1) expect((await chat(api)).status).toBe(200);
});

it('rateTier accepts the documented tiers and rejects any other', () => {
  const rows = Object.values<Tier>(TIERS).map(({ concurrency, rpm, tpm, tpd }) => [concurrency, rpm, tpm, tpd]);
  expect(rows).toEqual([
    [1, 3, 500_000, 1_500_000],
    [50, 200, 2_000_000, null],
    [100, 500, 3_000_000, null],
    [200, 5_000, 3_000_000, null],
    [400, 5_000, 4_000_000, null],
    [1_000, 10_000, 5_000_000, null],
  ]);
  expect(() => createEmulator({ rateTier: 6 as TierNumber })).toThrow(
    'option rateTier must be one of 0, 1, 2, 3, 4, 5',
  );
});
