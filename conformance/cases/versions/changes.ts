import { defineCase } from '../../core/case.ts';
import { equal, refused, succeeded } from '../../core/expect.ts';
import { CHAT_COST, layGround, SESSION_CHANGES, sendChange } from '../../wire/changes.ts';
import { append, createSession, createSnapshot, getSession, stateOf, unchanged, user } from '../../wire/dialect.ts';

const MALFORMED = ['7', '"a"', '""', 'W/"1"'];

export function ifMatch(version: number): { headers: Record<string, string> } {
  return { headers: { 'If-Match': `"${version}"` } };
}

/** One case for each route that changes a session, so that each is asked of targets that offer it. */
export const versionsChanges = SESSION_CHANGES.map((change) =>
  defineCase({
    id: `versions.${change.name}`,
    title: `the version that ${change.name} asks for and leaves`,
    needs: ['sessions', 'sessions.append', 'versioning', ...change.needs],
    checks: {
      'stale-refused': 'versions.stale',
      'malformed-refused': 'versions.malformed',
      'match-accepted': 'versions.match',
      'steps-once': 'versions.steps-once',
      etag: 'versions.etag',
    },
    cost: () => (change.chats ? CHAT_COST : {}),
    async run(trial) {
      const { api } = trial;
      const ground = await layGround(trial, change);
      await append(api, ground.session, user('One more, so that a version has gone by.'));
      const before = await stateOf(api, ground.session);
      const { version } = before.session;
      await trial.check('stale-refused', async () => {
        for (const stale of [version - 1, version + 1]) {
          refused(await sendChange(trial, change, ground, ifMatch(stale)), 'version_conflict');
          await unchanged(api, before);
        }
      });
      await trial.check('malformed-refused', async () => {
        for (const header of MALFORMED) {
          refused(await sendChange(trial, change, ground, { headers: { 'If-Match': header } }), 'invalid_request');
        }
        await unchanged(api, before);
      });
      // The version is asked for anew, in case what had to be refused was not.
      const current = (await getSession(api, ground.session)).version;
      const reply = await sendChange(trial, change, ground, ifMatch(current));
      await trial.need('match-accepted', () => succeeded(reply));
      await trial.check('steps-once', async () => {
        equal((await getSession(api, ground.session)).version, current + 1, 'the version after one change');
      });
      await trial.check('etag', () => equal(reply.headers.get('etag'), `"${current + 1}"`, 'the ETag of the change'));
    },
  }),
);

export const versionsStreamedChat = defineCase({
  id: 'versions.streamed-chat',
  title: 'the version that a streamed chat asks for and leaves',
  needs: ['sessions', 'chat', 'chat.stream', 'versioning'],
  checks: {
    'stale-refused': 'versions.stale',
    'match-accepted': 'versions.match',
    'steps-once': 'versions.steps-once',
  },
  cost: () => CHAT_COST,
  async run(trial) {
    const { api, target } = trial;
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const before = await stateOf(api, id);
    const { version } = before.session;
    const messages = [user('Reply with the word OK only.')];
    const body = { model: target.model, session_id: id, messages, max_tokens: 16, stream: true };
    await trial.check('stale-refused', async () => {
      refused(await api.post('/chat/completions', body, ifMatch(version + 1)), 'version_conflict');
      await unchanged(api, before);
    });
    await trial.need('match-accepted', async () => {
      succeeded(await api.post('/chat/completions', body, ifMatch(version)));
    });
    await trial.check('steps-once', async () => {
      equal((await getSession(api, id)).version, version + 1, 'the version after one turn');
    });
  },
});

export const versionsReads = defineCase({
  id: 'versions.reads',
  title: 'the version of a session as it is read, deleted and snapshotted',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'versioning'],
  checks: {
    'create-etag': 'versions.etag',
    'read-etag': 'versions.etag',
    'snapshot-leaves': 'versions.snapshot',
    'snapshot-stale-refused': 'versions.stale',
    'snapshot-match-accepted': 'versions.match',
    'delete-stale-refused': 'versions.stale',
    'delete-malformed-refused': 'versions.malformed',
    'delete-match-accepted': 'versions.match',
  },
  async run(trial) {
    const { api } = trial;
    const created = await api.post('/sessions', { messages: [user('The first message.')] });
    const { id, version: first } = succeeded(created).json as { id: string; version: number };
    const path = `/sessions/${id}`;
    await trial.check('create-etag', () => equal(created.headers.get('etag'), `"${first}"`, 'the ETag of a creation'));
    await append(api, id, user('One more.'));
    const before = await stateOf(api, id);
    const { version } = before.session;
    await trial.check('read-etag', async () => {
      equal((await api.get(path)).headers.get('etag'), `"${version}"`, 'the ETag of a read');
    });
    await trial.check('snapshot-leaves', async () => {
      await createSnapshot(api, id);
      await unchanged(api, before);
    });
    await trial.check('snapshot-stale-refused', async () => {
      refused(await api.post(`${path}/snapshots`, {}, ifMatch(version - 1)), 'version_conflict');
    });
    await trial.check('snapshot-match-accepted', async () => {
      succeeded(await api.post(`${path}/snapshots`, {}, ifMatch(version)));
      await unchanged(api, before);
    });
    await trial.check('delete-stale-refused', async () => {
      refused(await api.delete(path, ifMatch(version - 1)), 'version_conflict');
      await unchanged(api, before);
    });
    await trial.check('delete-malformed-refused', async () => {
      for (const header of MALFORMED) {
        refused(await api.delete(path, { headers: { 'If-Match': header } }), 'invalid_request');
      }
      await unchanged(api, before);
    });
    await trial.check('delete-match-accepted', async () => {
      succeeded(await api.delete(path, ifMatch(version)));
      refused(await api.get(path), 'session_not_found');
    });
  },
});
