import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, createSnapshot, readMessages, user, windowOf } from '../../wire/dialect.ts';
import { keptOf, tokensIn } from '../../wire/groups.ts';
import { belowMinimum } from '../../wire/preserve-len.ts';
import { mixedWindow, TOOL } from '../../wire/windows.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'] as const;

export const snapshotPreserveLen = defineCase({
  id: 'snapshots.preserve-len',
  title: 'preserve_len says what a snapshot restores; it archives all the same',
  needs: NEEDS,
  checks: {
    'archives-all': 'snapshots.archives-all',
    'restores-the-newest': 'snapshots.preserve-len',
    'usage-of-both': 'snapshots.usage',
    'minimum-accepted': 'snapshots.minimum',
    'less-refused': 'snapshots.minimum',
    'what-truncate-refuses-refused': 'snapshots.least-named',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { session, messages } = await mixedWindow(trial, { tools: [TOOL] });
    const path = `/sessions/${session.id}/snapshots`;
    const { tools_tokens, total_tokens } = session.usage;
    const preserve_len = Math.floor(1.7 * least);
    const taken = await createSnapshot(api, session.id, { preserve_len });
    const expected = keptOf(messages, preserve_len - tools_tokens) ?? [];
    await trial.check('archives-all', async () => {
      equal(await readMessages(api, `/snapshots/${taken.id}/messages?scope=archived`), messages, 'what is archived');
    });
    await trial.check('restores-the-newest', async () => {
      equal(taken.preserve_len, preserve_len, 'preserve_len');
      equal(await readMessages(api, `/snapshots/${taken.id}/messages`), expected, 'what is restored');
    });
    await trial.check('usage-of-both', () => {
      const restored = { total_tokens: tools_tokens + tokensIn(expected), tools_tokens, messages: expected.length };
      equal(taken.usage, restored, 'usage');
      equal(taken.archived, { total_tokens, messages: messages.length }, 'archived');
    });
    await trial.check('less-refused', async () => {
      belowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
    });
    await trial.check('minimum-accepted', async () => {
      const { usage } = answered(await api.post(path, { preserve_len: least }), Snapshot);
      holds(usage.total_tokens <= least, `at most ${least} tokens are restored, not ${usage.total_tokens}`);
    });
    await trial.check('what-truncate-refuses-refused', async () => {
      const { id } = await createSession(api);
      await append(api, id, { ...user(await texts.exactly(Math.floor(1.25 * least))), pinned: true });
      const reply = await api.post(`/sessions/${id}/snapshots`, { preserve_len: least });
      refused(reply, 'preserve_len_too_small', { param: 'preserve_len' });
      const list = succeeded(await api.get(`/sessions/${id}/snapshots`)).json as { data?: unknown };
      equal(list.data, [], 'the snapshots of the session after the refusal');
      succeeded(await api.post(`/sessions/${id}/snapshots`, { preserve_len: 2 * least }));
    });
  },
});

export const snapshotIsTruncate = defineCase({
  id: 'snapshots.as-truncate',
  title: 'a snapshot restores exactly what truncate keeps, texts that are cut included',
  needs: [...NEEDS, 'sessions.truncate'],
  checks: { 'same-messages': 'snapshots.preserve-len', 'same-cut-text': 'snapshots.preserve-len' },
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { session } = await mixedWindow(trial);
    const both = async (id: string, preserve_len: number) => {
      const taken = await createSnapshot(api, id, { preserve_len });
      const restored = await readMessages(api, `/snapshots/${taken.id}/messages`);
      succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      return { restored, kept: await windowOf(api, id) };
    };
    await trial.check('same-messages', async () => {
      const { restored, kept } = await both(session.id, Math.floor(1.4 * least));
      equal(restored, kept, 'what is restored, against what truncate keeps');
    });
    await trial.check('same-cut-text', async () => {
      await append(api, session.id, user(await texts.exactly(Math.floor(1.5 * least), 'The log:')));
      const { restored, kept } = await both(session.id, least + 11);
      equal(restored, kept, 'what is restored, against what truncate keeps of a text');
      holds(restored.at(-1)?.truncated === true, 'the restored text is marked as cut');
    });
  },
});
