import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import { errorOnDemand } from '../../emulator/errors-on-demand.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { expectRefusal, startSession } from '../support/session.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Word for word as captured from the live API or documented for it, but for what stands for the account. */
const LIVE: Partial<Record<ErrorCode, string>> = {
  content_filter: 'The request was rejected because it was considered high risk',
  content_empty: 'text content is empty',
  invalid_authentication: 'Invalid Authentication',
  incorrect_api_key: 'Incorrect API key provided',
  permission_denied: 'The API you are accessing is not open',
  model_not_found: `Not found the model ${MODEL} or Permission denied`,
  engine_overloaded: 'The engine is currently overloaded, please try again later',
  quota_exceeded:
    'Your account {org}<{ak}> is suspended due to insufficient balance, please recharge your account or check your plan and billing details',
  concurrency_limit:
    'Your account {org}<{ak}> request reached max organization concurrency: 1, please try again after 1 seconds',
  rpm_limit: 'Your account {org}<{ak}> request reached organization max RPM: 20, please try again after 1 seconds',
  tpm_limit:
    'Your account {org}<{ak}> request reached organization TPM rate limit, current: 563653, limit: 500000, please try again after 1 seconds',
  tpd_limit: 'Your account {org}<{ak}> request reached organization TPD rate limit, current: 1526210, limit: 1500000',
  unexpected_output: 'invalid state transition',
  tool_call_id_not_found: 'tool_call_id  not found',
};

describe.each(TRANSPORTS)('the fault error, %s', (transport) => {
  it('answers every row as the table has it, once, and changes nothing', async () => {
    const session = await startSession(transport);
    const { emulator } = session.api;
    const before = await session.state();
    for (const code of CODES) {
      emulator.faults.add({ effect: 'error', code, operation: 'createChatCompletion' });
      const refused = await session.chat([{ role: 'user', content: 'Reply with only PONG' }]);
      const { message } = expectRefusal(refused, code);
      const { retry, status } = ERRORS[code];
      const again = retry && (status === 409 || status === 429) ? '1' : null;
      expect(refused.headers.get('retry-after'), code).toBe(again);
      const live = LIVE[code];
      if (live) expect(message.replace(/org-\w{24}<ak-\w{20}>/, '{org}<{ak}>')).toBe(live);
      else expect(message).toBe(errorOnDemand(code, { session: session.id, model: MODEL }).message);
      expect(emulator.faults.unused()).toEqual([]);
    }
    expect(await session.state()).toEqual(before);
    expect((await session.chat([{ role: 'user', content: 'Reply with only PONG' }])).status).toBe(200);
  });

  it('is named in the hint, so that nobody looks for what led to it', async () => {
    const session = await startSession(transport);
    const { emulator } = session.api;
    const hint = 'the fault error was asked for: no earlier request led to this';
    emulator.faults.add({ effect: 'error', code: 'tool_result_orphan' });
    const refused = await session.append({ role: 'user', content: 'hi' });
    expect(refused.headers.get('kimi-emulator-hint')).toBe(hint);
    emulator.faults.add({ effect: 'session_busy' });
    const busy = await session.append({ role: 'user', content: 'hi' });
    expect(busy.headers.get('kimi-emulator-hint')).toBe(hint.replace('error', 'session_busy'));
  });

  it('gives no code where no session is addressed, as the live API does not', async () => {
    const api = await startEmulator(transport);
    api.emulator.faults.add({ effect: 'error', code: 'invalid_request' });
    const { body } = await api.post('/v1/chat/completions', { model: MODEL, messages: [] });
    expect(body).toEqual({
      error: { message: 'Invalid request: this one was made to fail', type: 'invalid_request_error' },
    });
  });
});
