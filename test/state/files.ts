import { createHash } from 'node:crypto';
import type { PortableState } from '../../emulator/state/schema.ts';
import { type Api, startEmulator } from '../support/emulator.ts';

/** A session with a window, a call and its result, tools, a shared snapshot and a summary. */
export async function furnish(api: Api): Promise<{ session: string; snapshot: string; share: string }> {
  const tools = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }];
  const messages = [
    { role: 'system', content: 'You keep the log.' },
    { role: 'user', content: '说道：“帆船” ⛵ {"a": [1, 2]}' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c:0', function: { name: 'look_up', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'c:0', content: 'nothing' },
    { role: 'user', content: 'The password is 42. '.repeat(60), pinned: true },
  ];
  const { body } = await api.post<{ id: string }>('/v1/sessions', { tools, messages, metadata: { of: 'test' } });
  const taken = await api.post<{ id: string }>(`/v1/sessions/${body.id}/snapshots`, { name: 'first' });
  const shared = await api.post<{ share: { share_id: string } }>(`/v1/snapshots/${taken.body.id}/share`, {
    expires_in: 3_600,
  });
  await api.post(`/v1/sessions/${body.id}/messages`, { role: 'user', content: 'More about the sea. '.repeat(80) });
  return { session: body.id, snapshot: taken.body.id, share: shared.body.share.share_id };
}

/** The state in a file's text. */
export function stateOf(file: string): PortableState {
  return JSON.parse(file).state;
}

/** A file around a state of one's own making, or its text, with the hash that it should have. */
export function sealed(state: object | string): string {
  const text = typeof state === 'string' ? state : JSON.stringify(state);
  const hash = createHash('sha256').update(text).digest('hex');
  return `{"format":"kimi-emulator-state/1","sha256":"${hash}","state":${text}}\n`;
}

/** An emulator with something in it, and its export. */
export async function exported(): Promise<{
  api: Api;
  file: string;
  session: string;
  snapshot: string;
  share: string;
}> {
  const api = await startEmulator('in process', { seed: 'files' });
  const ids = await furnish(api);
  return { api, file: await api.emulator.state.export(), ...ids };
}
