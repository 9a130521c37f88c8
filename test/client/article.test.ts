import { describe, expect, it } from 'vitest';
import { KimiClient } from '../../client/index.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { collect } from './support.ts';

/** The article's limits but for the window's content: its `max_keep`, here low enough for a few rounds to pass it. */
const MAX_KEEP = 10_000;

describe.each(TRANSPORTS)('the article’s program %s', (transport) => {
  it('streams rounds, and over max_keep takes a snapshot and cuts', async () => {
    const api = await startEmulator(transport);
    const client = new KimiClient({ baseURL: api.emulator.baseURL, apiKey: 'sk-article', fetch: api.fetch });
    const { session_id } = await client.sessions.create();
    const snapshots: string[] = [];

    async function* chat_round(session_id: string, user_msg: string, max_keep = 180_000) {
      const stream = await client.chat.completions.create({
        model: 'kimi-k2-0905',
        session_id,
        messages: [{ role: 'user', content: user_msg }],
        stream: true,
        max_tokens: 4000,
        temperature: 0.2,
      });
      for await (const chunk of stream) yield chunk.choices[0]?.delta.content ?? '';
      const { usage } = await client.sessions.retrieve({ session_id });
      if (usage.total_tokens > max_keep) {
        const { snapshot_id } = await client.sessions.snapshot.create({ session_id, preserve_len: 8000 });
        snapshots.push(snapshot_id);
        await client.sessions.truncate({ session_id, preserve_len: 8000 });
      }
    }

    await client.sessions.append({ session_id, role: 'system', content: 'The password of the vault is heliotrope.' });
    for (let round = 0; round < 4; round += 1) {
      const answer = await collect(
        chat_round(session_id, `Note ${round}: ${'the sky was grey over the harbour. '.repeat(400)}`, MAX_KEEP),
      );
      expect(answer.length).toBeGreaterThan(0);
    }
    const answer = (await collect(chat_round(session_id, 'What is the password of the vault?', MAX_KEEP))).join('');
    expect(answer).toContain('heliotrope');
    expect(snapshots.length).toBeGreaterThan(0);
    const { usage } = await client.sessions.retrieve(session_id);
    expect(usage.total_tokens).toBeLessThanOrEqual(MAX_KEEP);
    const restored = await client.sessions.rollback({ session_id, snapshot_id: String(snapshots[0]) });
    expect(restored.usage.total_tokens).toBeLessThanOrEqual(8_000);
  });
});
