import { SessionDeleted } from '../../../contract/sessions.ts';
import { SnapshotDeleted } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { append, createSession, createSnapshot, user, windowOf } from '../../wire/dialect.ts';
import { said } from '../../wire/groups.ts';
import { belowMinimum, partlyRestored } from '../../wire/preserve-len.ts';
import { TOOL } from '../../wire/windows.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork'] as const;

export const forkFields = defineCase({
  id: 'forks.fields',
  title: 'what a fork takes from its snapshot cannot be given too',
  needs: NEEDS,
  checks: {
    'model-refused': 'forks.fields-refused',
    'tools-refused': 'forks.fields-refused',
    'messages-refused': 'forks.fields-refused',
    'two-origins-refused': 'forks.fields-refused',
    'preserve-len-alone-refused': 'forks.preserve-len-alone',
    'deleted-refused': 'forks.unknown',
    'never-known-refused': 'forks.unknown',
    'deleted-session-forked': 'forks.deleted-session',
  },
  async run(trial) {
    const { api, limits, target } = trial;
    const { id } = await createSession(api);
    await append(api, id, user('The only message.'));
    const { id: snapshot_id } = await createSnapshot(api, id);
    const gone = await createSnapshot(api, id);
    answered(await api.delete(`/snapshots/${gone.id}`), SnapshotDeleted);
    const refuse = async (fields: object, param: string) => {
      refused(await api.post('/sessions', { snapshot_id, ...fields }), 'invalid_request', { param });
    };
    await trial.check('model-refused', () => refuse({ model: target.model }, 'model'));
    await trial.check('tools-refused', () => refuse({ tools: [TOOL] }, 'tools'));
    await trial.check('messages-refused', () => refuse({ messages: [user('One more.')] }, 'messages'));
    await trial.check('two-origins-refused', async () => {
      refused(await api.post('/sessions', { snapshot_id, share_id: 'shr_kimiconformance' }), 'invalid_request');
    });
    await trial.check('preserve-len-alone-refused', async () => {
      const reply = await api.post('/sessions', { preserve_len: limits.min_preserve_tokens });
      refused(reply, 'invalid_request', { param: 'preserve_len' });
    });
    for (const [check, unknown] of [
      ['deleted-refused', gone.id],
      ['never-known-refused', 'snap_kimiconformanceneverknown'],
    ] as const) {
      await trial.check(check, async () => {
        const reply = await api.post('/sessions', { snapshot_id: unknown });
        refused(reply, 'snapshot_not_found', { param: 'snapshot_id' });
      });
    }
    answered(await api.delete(`/sessions/${id}`), SessionDeleted);
    await trial.check('deleted-session-forked', async () => {
      const fork = await createSession(api, { snapshot_id });
      equal(
        (await windowOf(api, fork.id)).map(({ content }) => content),
        ['The only message.'],
        'the window',
      );
    });
  },
});

export const forkPreserveLen = defineCase({
  id: 'forks.preserve-len',
  title: 'a fork begins with as much as is asked for',
  needs: [...NEEDS, 'tokens.estimate'],
  checks: {
    'as-the-snapshot-restores': 'forks.new-session',
    'less-on-request': 'forks.preserve-len',
    'more-on-request': 'forks.preserve-len',
    'under-minimum-refused': 'forks.minimum',
  },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { snapshot_id, little, middle, most, kept } = await partlyRestored(trial);
    const window = async (preserve_len?: number) => {
      const fork = await createSession(api, { snapshot_id, ...(preserve_len && { preserve_len }) });
      return (await windowOf(api, fork.id)).map(said);
    };
    await trial.check('as-the-snapshot-restores', async () =>
      equal(await window(), kept(middle)?.map(said), 'the window'),
    );
    await trial.check('less-on-request', async () =>
      equal(await window(little), kept(little)?.map(said), 'the window'),
    );
    await trial.check('more-on-request', async () => equal(await window(most), kept(most)?.map(said), 'the window'));
    await trial.check('under-minimum-refused', async () => {
      const reply = await api.post('/sessions', { snapshot_id, preserve_len: least - 1 });
      belowMinimum(reply, least);
    });
  },
});
