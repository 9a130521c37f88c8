import type OpenAI from 'openai';
import type { Session } from '../contract/sessions.ts';
import type { Snapshot } from '../contract/snapshots.ts';

/** One turn of a long conversation; a snapshot and a cut once the window has grown over `maxKeep` tokens. */
export async function* chatRound(client: OpenAI, id: string, content: string, maxKeep: number, snapshots: Snapshot[]) {
  const settings = { model: 'kimi-k3', max_completion_tokens: 32_000, stream: true as const };
  const messages = [{ role: 'user' as const, content }];
  yield* await client.chat.completions.create({ ...settings, messages, ...{ session_id: id } });

  const { usage } = await client.get<Session>(`/sessions/${id}`);
  if (usage.total_tokens <= maxKeep) return;
  const body = { preserve_len: 8000 };
  snapshots.push(await client.post<Snapshot>(`/sessions/${id}/snapshots`, { body }));
  await client.post(`/sessions/${id}/truncate`, { body });
}
