import type { SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { append, calling, createSession, type Message, result, user, windowOf } from '../../wire/dialect.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'] as const;
const contentsOf = (messages: readonly SessionMessage[]) => messages.map(({ content }) => content);

/** Writes more than the least that a cut may keep, and cuts to that. @returns what stands then */
async function crowd(trial: Trial<string>, id: string): Promise<SessionMessage[]> {
  const { api, limits, texts } = trial;
  const least = limits.min_preserve_tokens;
  const filler = user(await texts.exactly(Math.floor(least / 4)));
  for (let writes = 0; writes < 5; writes += 1) await append(api, id, filler);
  succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
  return windowOf(api, id);
}

export const pinsSurvive = defineCase({
  id: 'pins.survive',
  title: 'pinned messages survive every cut, others do not',
  needs: NEEDS,
  checks: {
    'pinned-stay': 'pins.survive',
    'others-go': 'pins.survive',
    'stay-again': 'pins.survive',
    'late-leader-not-pinned': 'pins.at-writing',
    'taken-away-goes': 'pins.taken-away',
  },
  cost: () => ({ requests: 80 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const written: Message[] = [
      { role: 'system', content: 'lead' },
      user('plain'),
      { ...user('asked'), pinned: true },
      { role: 'system', content: 'late' },
      user('given'),
      { role: 'assistant', content: 'plain too' },
    ];
    const { data } = await append(api, id, written);
    const given = `/sessions/${id}/messages/${data[4]?.id}`;
    succeeded(await api.post(given, { pinned: true }));
    const kept = await crowd(trial, id);
    await trial.check('pinned-stay', () => {
      equal(contentsOf(kept).slice(0, 3), ['lead', 'asked', 'given'], 'the oldest messages after a cut');
    });
    await trial.check('others-go', () => {
      const left = contentsOf(kept).filter((content) => ['plain', 'late', 'plain too'].includes(String(content)));
      equal(left, [], 'the messages without a pin after a cut');
    });
    await trial.check('late-leader-not-pinned', async () => {
      const behind = await createSession(api, { messages: [user('first'), { role: 'system', content: 'late' }] });
      const { limits, texts } = trial;
      const rest = limits.min_preserve_tokens - ((await windowOf(api, behind.id))[1]?.tokens ?? 0);
      await append(api, behind.id, user(await texts.exactly(Math.min(rest, limits.append_tokens))));
      succeeded(await api.post(`/sessions/${behind.id}/truncate`, { preserve_len: limits.min_preserve_tokens }));
      const [leader] = await windowOf(api, behind.id);
      equal([leader?.content, leader?.pinned], ['late', false], 'the system message that leads only since the cut');
    });
    await trial.check('stay-again', async () => {
      const again = await crowd(trial, id);
      equal(contentsOf(again).slice(0, 3), ['lead', 'asked', 'given'], 'the oldest messages after another cut');
      holds(again.length > 3, 'newer messages stand behind them');
    });
    await trial.check('taken-away-goes', async () => {
      succeeded(await api.post(given, { pinned: false }));
      equal(contentsOf(await crowd(trial, id)).slice(0, 2), ['lead', 'asked'], 'the oldest messages after a third cut');
      const left = contentsOf(await windowOf(api, id)).filter((content) => content === 'given');
      equal(left, [], 'the message whose pin was taken away');
    });
  },
});

export const pinsGroup = defineCase({
  id: 'pins.group',
  title: 'a pin on any message of a tool group keeps the group',
  needs: NEEDS,
  checks: {
    'by-call': 'pins.group',
    'by-result': 'pins.group',
    'by-late-result': 'pins.group',
    'without-pin-goes': 'pins.group',
  },
  cost: () => ({ requests: 80 }),
  async run(trial) {
    const { api } = trial;
    const group: Message[] = [calling('call_a', 'call_b'), result('call_b', 'second'), result('call_a', 'first')];
    const idsOf = (messages: readonly SessionMessage[]) => messages.map((message) => message.id);
    /** What is left of the group after a cut. */
    const left = async (writes: Message[][]) => {
      const { id } = await createSession(api);
      const written: SessionMessage[] = [];
      for (const write of writes) written.push(...(await append(api, id, write)).data);
      const kept = new Set(idsOf(await crowd(trial, id)));
      return { written: idsOf(written), kept: idsOf(written).filter((each) => kept.has(each)) };
    };
    const pinnedAt = (place: number) =>
      group.map((message, at) => (at === place ? { ...message, pinned: true } : message));
    await trial.check('by-call', async () => {
      const { written, kept } = await left([pinnedAt(0)]);
      equal(kept, written, 'what is left of a group whose call is pinned');
    });
    await trial.check('by-result', async () => {
      const { written, kept } = await left([pinnedAt(1)]);
      equal(kept, written, 'what is left of a group of which a result is pinned');
    });
    await trial.check('by-late-result', async () => {
      const messages = pinnedAt(2);
      const { written, kept } = await left([messages.slice(0, 2), messages.slice(2)]);
      equal(kept, written, 'what is left of a group whose last result came later, and pinned');
    });
    await trial.check('without-pin-goes', async () => {
      equal((await left([group])).kept, [], 'what is left of a group without a pin');
    });
  },
});
