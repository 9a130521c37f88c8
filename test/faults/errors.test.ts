import { describe, expect, it, vi } from 'vitest';
import { ERRORS, type ErrorBody, type ErrorCode, type ErrorRow } from '../../contract/errors.ts';
import { MODEL, type Reply, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { PROVOKED, provoke } from '../support/provoked.ts';
import { expectRefusal, startSession } from '../support/session.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Rows that only a fault or a script makes. */
const ON_DEMAND: ErrorCode[] = [
  'content_filter',
  'engine_overloaded',
  'api_version_missing',
  'plan_limit',
  'server_error',
  'server_unavailable',
  'gateway_timeout',
];
/** Rows that are answered as a page. */
const PAGES: ErrorCode[] = ['gateway_timeout'];
/** Rows that happen for several reasons, each with its text: the beginning that all of them share. */
const VARIOUS: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'Invalid request: ',
  permission_denied: '',
  upstream_failed: 'The upstream gave no answer that can be used: ',
  tape_miss: 'The tape holds no recording of this POST /chat/completions; ',
};

/** What is left of a text without what it names. */
function shapeOf({ body }: Reply<unknown>): string {
  const { message } = (body as ErrorBody).error;
  return message
    .replaceAll(/\b(?:sess|snap|shr|msg)_\w+|kimi-k[\w-]+|functions\.\w+:\d+|org-\w{24}|ak-\w{20}/g, 'NAME')
    .replaceAll(/\d+(?:\.\d+)?/g, 'N');
}

it('every error can be provoked without a fault, but for those that only a fault or a script makes', () => {
  expect([...Object.keys(PROVOKED), ...ON_DEMAND].toSorted()).toEqual(CODES.toSorted());
});

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
  sampling_fixed: 'invalid temperature: only 1 is allowed for this model',
  thinking_fixed: 'invalid thinking: only type=enabled is allowed for this model',
  reasoning_missing: 'thinking is enabled but reasoning_content is missing in assistant tool call message at index 1',
  tool_choice_while_thinking: "tool_choice 'required' is incompatible with thinking enabled",
  parameters_not_object: 'tools.function.parameters.type is required and must be "object"',
  schema_refused:
    "Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, details: <At path 'properties.a': type is not defined>",
  tokenization_failed: 'tokenization failed',
  api_version_missing: 'missing required header Kimi-Api-Version',
  plan_limit:
    "You've reached your usage limit for this billing cycle. Your quota will be refreshed in the next cycle. To continue now, purchase extra usage or upgrade your plan: https://www.kimi.com/code/#pricing",
  tool_call_id_not_found: "tool_call_id 'functions.unknown:0' not found",
  tool_results_missing:
    "an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: functions.unknown:0",
  assistant_empty: "Invalid request: the message at position 1 with role 'assistant' must not be empty",
  role_unsupported: 'invalid request: unsupported role ROLE_UNSPECIFIED',
  stop_too_long: 'stop array too long. Expected an array with maximum length 5, but got 6',
  function_name_duplicated: 'function name look_up is duplicated',
};

describe.each(TRANSPORTS)('the fault error, %s', (transport) => {
  it('answers every row as the table has it, once, and changes nothing', async () => {
    const session = await startSession(transport);
    const { emulator } = session.api;
    const before = await session.state();
    for (const code of CODES.filter((each) => !PAGES.includes(each))) {
      emulator.faults.add({ effect: 'error', code, operation: 'createChatCompletion' });
      const refused = await session.chat([{ role: 'user', content: 'Reply with only PONG' }]);
      const { param }: ErrorRow = ERRORS[code];
      const { message } = expectRefusal(refused, code, param);
      const { retry, status } = ERRORS[code];
      const again = retry && (status === 409 || status === 429) ? '1' : null;
      expect(refused.headers.get('retry-after'), code).toBe(again);
      expect(refused.headers.get('x-retry-after'), code).toBe(status === 429 ? again : null);
      const live = LIVE[code];
      if (live) expect(message.replace(/org-\w{24}<ak-\w{20}>/, '{org}<{ak}>')).toBe(live);
      expect(emulator.faults.unused()).toEqual([]);
    }
    expect(await session.state()).toEqual(before);
    expect((await session.chat([{ role: 'user', content: 'Reply with only PONG' }])).status).toBe(200);
  });

  it.each([false, true])('answers a 504 as a page, streamed: %s', async (stream) => {
    const api = await startEmulator(transport);
    api.emulator.faults.add({ effect: 'error', code: 'gateway_timeout' });
    const { status, headers, text } = await api.post('/v1/chat/completions', { model: MODEL, messages: [], stream });
    expect([status, headers.get('content-type'), headers.get('x-should-retry')]).toEqual([504, 'text/html', 'true']);
    expect(text).toMatch(/^<html>[\s\S]*<h1>504 Gateway Time-out<\/h1>[\s\S]*<\/html>\s*$/);
    expect(api.emulator.journal.entries().at(-1)).toMatchObject({ status: 504, code: 'gateway_timeout' });
  });

  it.each(Object.keys(PROVOKED) as (keyof typeof PROVOKED)[])(
    'injects %s with the text of the error that happens by itself',
    async (code) => {
      const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const { reply: real } = await provoke(transport, code);
      logged.mockRestore();
      const session = await startSession(transport);
      session.api.emulator.faults.add({ effect: 'error', code });
      const injected = await session.chat([{ role: 'user', content: 'Reply with only PONG' }]);
      expect(real.status, real.text).toBe(injected.status);
      expect((real.body as ErrorBody).error.type).toBe((injected.body as unknown as ErrorBody).error.type);
      const shared = VARIOUS[code];
      if (shared === undefined) expect(shapeOf(injected)).toBe(shapeOf(real));
      else expect(shapeOf(injected).slice(0, shared.length)).toBe(shapeOf(real).slice(0, shared.length));
    },
  );

  it('is named in the hint as the cause', async () => {
    const session = await startSession(transport);
    const { emulator } = session.api;
    const hint = 'the fault error caused this, no earlier request';
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
