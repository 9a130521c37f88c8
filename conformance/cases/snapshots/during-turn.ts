import { defineCase } from '../../core/case.ts';
import { holds } from '../../core/expect.ts';
import { append, chat, createSession, createSnapshot, readMessages, user, windowOf } from '../../wire/dialect.ts';

export const snapshotDuringTurn = defineCase({
  id: 'snapshots.during-turn',
  title: 'a snapshot taken while a turn runs holds the turn whole or not at all',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'chat'],
  checks: { 'whole-or-not': 'snapshots.during-turn' },
  cost: () => ({ promptTokens: 100, completionTokens: 32 }),
  async run(trial) {
    const { api, target } = trial;
    const { id } = await createSession(api);
    await append(api, id, user('The river is called Elbe.'));
    const before = await windowOf(api, id);
    const messages = [user('What is the river called? Reply with its name only.')];
    const [, taken] = await Promise.all([
      chat(api, { model: target.model, session_id: id, messages, max_tokens: 32 }),
      createSnapshot(api, id),
    ]);
    await trial.check('whole-or-not', async () => {
      const held = (await readMessages(api, `/snapshots/${taken.id}/messages`)).map((message) => message.id);
      const [now, earlier] = [await windowOf(api, id), before].map((list) => list.map((message) => message.id).join());
      const whole = [now, earlier].includes(held.join());
      holds(
        whole,
        `the snapshot holds ${held.length} messages: neither the ${before.length} before the turn nor all after it`,
      );
    });
  },
});
