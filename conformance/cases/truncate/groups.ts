import { SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { append, calling, createSession, result, type State, stateOf, user, windowOf } from '../../wire/dialect.ts';
import { groupsOf, tokensIn } from '../../wire/groups.ts';

export const truncateGroups = defineCase({
  id: 'truncate.groups',
  title: 'a call and its results are never parted',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'whole-where-it-fits': 'truncate.groups-whole',
    'gone-where-it-does-not': 'truncate.groups-whole',
    'pinned-result-holds-call': 'truncate.pin-holds-group',
    'pinned-call-holds-results': 'truncate.pin-holds-group',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api } = trial;
    const cut = async ({ session }: State, preserve_len: number) => {
      succeeded(await api.post(`/sessions/${session.id}/truncate`, { preserve_len }));
      return (await windowOf(api, session.id)).map(({ id }) => id);
    };
    const window = await groupInTheMiddle(trial);
    const { group, newest } = partsOf(window);
    const fits = tokensIn(newest) + tokensIn(group);
    const stays = [...group, ...newest].map(({ id }) => id);
    await trial.check('whole-where-it-fits', async () => {
      equal(await cut(window, fits), stays, 'the group and what follows it');
    });
    await trial.check('gone-where-it-does-not', async () => {
      equal(await cut(window, fits - 1), stays.slice(group.length), 'what follows the group that does not fit');
    });
    for (const [check, role] of [
      ['pinned-result-holds-call', 'tool'],
      ['pinned-call-holds-results', 'assistant'],
    ] as const) {
      await trial.check(check, async () => {
        const other = await groupInTheMiddle(trial);
        const { group: held, newest: later } = partsOf(other);
        const member = held.findLast((message) => message.role === role);
        const path = `/sessions/${other.session.id}/messages/${member?.id}`;
        answered(await api.post(path, { pinned: true }), SessionMessage);
        const ids = await cut(other, trial.limits.min_preserve_tokens);
        const gone = held.filter(({ id }) => !ids.includes(id)).map(({ role: lost }) => lost);
        equal(gone, [], 'members of the pinned group that are gone');
        holds(!later[0] || !ids.includes(later[0].id), 'an unpinned message went, so that something was cut');
      });
    }
  },
});

/** A group of a call with two results, and more messages before and behind it than the least `preserve_len` keeps. */
async function groupInTheMiddle(trial: Trial<string>): Promise<State> {
  const { api, limits, texts } = trial;
  const half = await texts.exactly(Math.floor(limits.min_preserve_tokens / 2));
  const { id } = await createSession(api);
  await append(api, id, user(half));
  await append(api, id, [calling('call_1', 'call_2'), result('call_1'), result('call_2')]);
  for (let times = 0; times < 3; times += 1) await append(api, id, user(half));
  return stateOf(api, id);
}

function partsOf({ messages }: State): { group: SessionMessage[]; newest: SessionMessage[] } {
  const [, group = [], ...newest] = groupsOf(messages);
  return { group, newest: newest.flat() };
}
