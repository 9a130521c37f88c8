import { describe } from 'vitest';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';

/** What tests of the inspector do with an emulator of their own. */
export async function startInspected(transport: (typeof TRANSPORTS)[number], options: EmulatorOptions = {}) {
  const api = await startEmulator(transport, {
    tokenizer: O200K,
    limits: { min_preserve_tokens: 64 },
    ...options,
  });
  const post = async <Body>(path: string, body: unknown): Promise<Body> => {
    const reply = await api.post<Body>(path, body);
    if (reply.status >= 400) throw new Error(`${path}: ${reply.text}`);
    return reply.body;
  };
  const inspect = async <Body>(path: string): Promise<Body> => {
    const reply = await api.get<Body>(`/_emulator/inspect${path}`);
    if (reply.status !== 200) throw new Error(`${path}: ${reply.text}`);
    return reply.body;
  };
  return {
    emulator: api.emulator,
    api,
    post,
    inspect,
    open: (method: string, path: string, body: unknown) =>
      api.send(method, path, JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } }),
    session: async (fields: object = {}) => (await post<{ id: string }>('/v1/sessions', fields)).id,
    append: (id: string, content: string) => post(`/v1/sessions/${id}/messages`, { role: 'user', content }),
    truncate: (id: string, preserve_len: number) => post(`/v1/sessions/${id}/truncate`, { preserve_len }),
    chat: (id: string, content: string) =>
      post('/v1/chat/completions', {
        model: 'kimi-k2-0905-preview',
        messages: [{ role: 'user', content }],
        session_id: id,
      }),
    act: (name: string, body: object, token: string) =>
      api.post<Record<string, unknown>>(`/_emulator/inspect/actions/${name}`, body, {
        headers: { 'Kimi-Emulator-Inspector': token },
      }),
  };
}

type Start = (options?: EmulatorOptions) => ReturnType<typeof startInspected>;

export function describeEach(name: string, tests: (context: { start: Start }) => void): void {
  describe.each(TRANSPORTS)(`${name}, %s`, (transport) =>
    tests({ start: (options) => startInspected(transport, options) }),
  );
}
