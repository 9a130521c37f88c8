import { join } from 'node:path';
import type { ErrorCode } from '../../contract/errors.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { createGateway, type EmulatorOptions, type GatewayOptions } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';
import { type Api, type Call, MODEL, openApi, type Reply, startEmulator, type Transport } from './emulator.ts';
import { failing, HeldModel } from './held-model.ts';
import { called, createSession, O200K, result, sized } from './session.ts';

interface Provoked {
  options?: EmulatorOptions;
  /** Asks for it, over the public surface and without a fault. */
  make(api: Api, held: HeldModel): Promise<Reply<unknown>>;
  /** The model is `held`. */
  holds?: true;
  /** It is a gateway's, in front of what these options say. */
  gateway?: GatewayOptions | (() => GatewayOptions);
}

/** Limits that are reached by a few short requests. */
export const SMALL_LIMITS = {
  sessions: 2,
  snapshots: 1,
  append_tokens: 400,
  min_preserve_tokens: 64,
  window_tokens: 1_000,
  body_bytes: 8_192,
  files: 1,
  file_bytes: 4_096,
  max_tokens: 16,
};

const LOOK_UP = { type: 'function', function: { name: 'look_up' } };
const withParameters = (parameters: object) => ({ type: 'function', function: { name: 'look_up', parameters } });
const KEYED = { headers: { 'Idempotency-Key': 'unknown' } };
const ROOMY = { window_tokens: 300_000 };

/** Errors that only a fault or a script makes. */
type OnDemand =
  | 'content_filter'
  | 'engine_overloaded'
  | 'api_version_missing'
  | 'plan_limit'
  | 'server_error'
  | 'server_unavailable'
  | 'gateway_timeout';

/** How each of the other errors of the table happens. */
export const PROVOKED: Record<Exclude<ErrorCode, OnDemand>, Provoked> = {
  invalid_request: {
    make: async (api) => (await createSession(api)).post('/truncate', { preserve_length: 100 }),
  },
  context_window_exceeded: {
    async make(api) {
      const session = await createSession(api);
      for (let write = 0; write < 2; write += 1) await session.append(sized(390));
      return session.append(sized(300));
    },
  },
  append_too_large: {
    make: async (api) => (await createSession(api)).append({ messages: [sized(300), sized(150)] }),
  },
  preserve_len_too_small: { make: async (api) => (await createSession(api)).truncate(63) },
  session_limit_reached: {
    async make(api) {
      await createSession(api);
      await createSession(api);
      return api.post('/v1/sessions');
    },
  },
  snapshot_limit_reached: {
    async make(api) {
      const session = await createSession(api);
      await session.snapshot();
      return session.snapshot();
    },
  },
  snapshot_mismatch: {
    async make(api) {
      const [one, other] = [await createSession(api), await createSession(api)];
      const { body } = await one.snapshot();
      return other.rollback((body as Snapshot).id);
    },
  },
  compress_infeasible: {
    async make(api) {
      const session = await createSession(api);
      await session.append({ ...sized(200), pinned: true });
      await session.append(sized(100));
      return session.compress({ ratio: 20 });
    },
  },
  tool_result_orphan: { make: async (api) => (await createSession(api)).append(result('functions.x:0')) },
  tool_call_unanswered: {
    async make(api) {
      const session = await createSession(api);
      await session.append(called('functions.x:0'));
      return session.append(sized(10));
    },
  },
  session_not_found: { make: (api) => api.get('/v1/sessions/sess_0') },
  snapshot_not_found: { make: (api) => api.get('/v1/snapshots/snap_0') },
  share_not_found: { make: (api) => api.get('/v1/shares/shr_0') },
  message_not_found: { make: async (api) => (await createSession(api)).post('/messages/msg_0', { pinned: true }) },
  session_busy: {
    holds: true,
    async make(api, held) {
      const { id } = await createSession(api);
      return whileAnswering(held, () => chat(api, { session_id: id }));
    },
  },
  request_in_progress: {
    holds: true,
    make: (api, held) => whileAnswering(held, () => chat(api, {}, KEYED)),
  },
  version_conflict: { make: async (api) => (await createSession(api)).append(sized(10), { 'If-Match': '"7"' }) },
  idempotency_mismatch: {
    async make(api) {
      const session = await createSession(api);
      await session.append(sized(10), KEYED.headers);
      return session.append(sized(11), KEYED.headers);
    },
  },
  body_too_large: {
    make: async (api) => (await createSession(api)).append({ role: 'user', content: 'x'.repeat(9_000) }),
  },
  content_empty: { make: (api) => chat(api, { messages: [sized(10), { role: 'user', content: '' }] }) },
  assistant_empty: {
    make: (api) => chat(api, { messages: [sized(10), { role: 'assistant', content: null }, sized(10)] }),
  },
  role_unsupported: { make: (api) => chat(api, { messages: [{ role: 'developer', content: 'Be brief.' }] }) },
  stop_too_long: { make: (api) => chat(api, { stop: ['a', 'b', 'c', 'd', 'e', 'f'] }) },
  function_name_duplicated: { make: (api) => chat(api, { tools: [LOOK_UP, LOOK_UP] }) },
  sampling_fixed: { make: (api) => chat(api, { model: 'kimi-k3', temperature: 0.2 }) },
  thinking_fixed: { make: (api) => chat(api, { model: 'kimi-k2.7-code', thinking: { type: 'disabled' } }) },
  reasoning_missing: {
    make: (api) => chat(api, { model: 'kimi-k2.6', messages: [sized(10), called('look_0'), result('look_0')] }),
  },
  tool_choice_while_thinking: {
    make: (api) => chat(api, { model: 'kimi-k2.6', tools: [LOOK_UP], tool_choice: 'required' }),
  },
  parameters_not_object: { make: (api) => chat(api, { model: 'kimi-k3', tools: [withParameters({})] }) },
  schema_refused: {
    make: (api) => {
      const parameters = { type: 'object', properties: { a: { enum: [1] } } };
      return chat(api, { model: 'kimi-k3', tools: [withParameters(parameters)] });
    },
  },
  tokenization_failed: { make: (api) => chat(api, { messages: [{ role: 'system', tools: [LOOK_UP] }, sized(10)] }) },
  file_purpose_invalid: { make: (api) => api.upload('text', { purpose: 'assistants' }) },
  file_too_large: { make: (api) => api.upload('x'.repeat(4_097)) },
  file_empty: { make: (api) => api.upload('') },
  files_limit_reached: { make: (api) => repeated(2, () => api.upload('text')) },
  file_not_found: { make: (api) => api.get('/v1/files/file-unknown') },
  tool_results_missing: {
    make: (api) => chat(api, { messages: [sized(10), called('functions.read:158'), sized(10)] }),
  },
  tool_call_id_not_found: { make: (api) => chat(api, { messages: [sized(10), result('functions.look:7')] }) },
  incorrect_api_key: { make: (api) => api.get('/v1/models', { headers: { Authorization: 'Basic eDp5' } }) },
  invalid_authentication: { options: { apiKeys: ['sk-known'] }, make: (api) => api.get('/v1/models') },
  permission_denied: { make: (api) => api.get('/v1/models', { headers: { Origin: 'https://a.example' } }) },
  model_not_found: { make: (api) => chat(api, { model: 'kimi-k9' }) },
  quota_exceeded: {
    options: { billing: { balance: '0.000001USD' } },
    make: (api) => repeated(2, () => chat(api)),
  },
  concurrency_limit: {
    options: { rateTier: 0 },
    holds: true,
    make: (api, held) => whileAnswering(held, () => chat(api)),
  },
  rpm_limit: { options: { rateTier: 0 }, make: (api) => repeated(4, () => chat(api)) },
  tpm_limit: {
    options: { rateTier: 0, limits: ROOMY },
    make: (api) => repeated(3, () => chat(api, { max_tokens: 200_000 })),
  },
  tpd_limit: {
    options: { rateTier: 0, limits: ROOMY },
    make: (api) =>
      repeated(7, () => {
        api.emulator.clock.advance(60_000);
        return chat(api, { max_tokens: 250_000 });
      }),
  },
  spend_limit_reached: {
    gateway: {
      upstream: 'http://upstream.invalid',
      maxSpend: '0.000001USD',
      fetch: () => Promise.reject(new Error('asked')),
    },
    make: turn,
  },
  upstream_failed: {
    gateway: { upstream: 'http://upstream.invalid', fetch: async () => new Response('<html>') },
    make: turn,
  },
  upstream_timeout: {
    gateway: {
      upstream: 'http://upstream.invalid',
      timeouts: { firstByte: 20 },
      fetch: () => new Promise(() => undefined),
    },
    make: turn,
  },
  tape_miss: {
    gateway: () => ({ replay: emptyTape() }),
    make: turn,
  },
  unexpected_output: {
    options: { model: failing(new Error('the model fails')) },
    make: (api) => chat(api),
  },
};

function emptyTape(): string {
  const record = join(temporaryFolder(), 'empty.tape');
  void createGateway({ upstream: 'http://upstream.invalid', record }).close();
  return record;
}

async function turn(api: Api): Promise<Reply> {
  return (await createSession(api)).chat([sized(10)]);
}

/** Makes an emulator refuse a request with this code. */
export async function provoke(transport: Transport, code: keyof typeof PROVOKED) {
  const { options = {}, make, holds, gateway }: Provoked = PROVOKED[code];
  const held = new HeldModel();
  const model = holds ? { model: held } : {};
  const common = { tokenizer: O200K, limits: SMALL_LIMITS };
  const api = gateway
    ? await openApi(createGateway({ ...common, ...(typeof gateway === 'function' ? gateway() : gateway) }), transport)
    : await startEmulator(transport, { ...common, ...model, ...options });
  return { api, reply: await make(api, held) };
}

function chat(api: Api, more: object = {}, call: Call = {}): Promise<Reply> {
  return api.post('/v1/chat/completions', { model: MODEL, messages: [sized(10)], ...more }, call);
}

async function repeated(times: number, ask: () => Promise<Reply>): Promise<Reply> {
  let reply = await ask();
  for (let time = 1; time < times; time += 1) reply = await ask();
  return reply;
}

/** The same request while its first answer is held up. */
async function whileAnswering(held: HeldModel, ask: () => Promise<Reply>): Promise<Reply> {
  const first = ask();
  const asked = await held.asked();
  const reply = await ask();
  asked.end();
  await first;
  return reply;
}
