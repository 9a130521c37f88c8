import { defineCase } from '../../core/case.ts';
import { equal, holds } from '../../core/expect.ts';
import { append, createSession, createSnapshot, getSession, user, windowOf } from '../../wire/dialect.ts';
import { said } from '../../wire/groups.ts';
import { mixedWindow, TOOL } from '../../wire/windows.ts';

export const forkNewSession = defineCase({
  id: 'forks.new-session',
  title: 'a fork begins where the snapshot stands',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'tokens.estimate'],
  checks: {
    'own-session': 'forks.new-session',
    'same-window': 'forks.new-session',
    'same-usage': 'forks.new-session',
    'same-pins': 'forks.tools-and-pins',
    'same-tools': 'forks.tools-and-pins',
    'same-model': 'forks.tools-and-pins',
    'own-title-and-metadata': 'forks.own-fields',
    'names-its-origin': 'forks.origin',
    'others-have-none': 'forks.origin',
  },
  async run(trial) {
    const { api, target } = trial;
    const { session, messages } = await mixedWindow(trial, { tools: [TOOL], title: 'source', model: target.model });
    const taken = await createSnapshot(api, session.id);
    // What comes after the snapshot is no part of it.
    await append(api, session.id, user('Later.'));
    const fields = { title: 'fork', metadata: { branch: '1' } };
    const fork = await createSession(api, { snapshot_id: taken.id, ...fields });
    const window = await windowOf(api, fork.id);
    await trial.need('own-session', async () => {
      holds(fork.id !== session.id, 'the fork has an id of its own');
      equal(await getSession(api, fork.id), fork, 'the fork as it is read');
      equal(
        window.map((message) => message.session_id).filter((id) => id !== fork.id),
        [],
        'other sessions’ ids in it',
      );
    });
    await trial.check('same-window', () => equal(window.map(said), messages.map(said), 'the window of the fork'));
    await trial.check('same-pins', () => {
      equal(
        window.map(({ pinned }) => pinned),
        messages.map(({ pinned }) => pinned),
        'pinned of each message',
      );
    });
    await trial.check('same-usage', () => equal(fork.usage, session.usage, 'the usage'));
    await trial.check('same-tools', () => equal(fork.tools, session.tools, 'the tools'));
    await trial.check('same-model', () => equal(fork.model, session.model, 'the model'));
    await trial.check('own-title-and-metadata', () => {
      equal({ title: fork.title, metadata: fork.metadata }, fields, 'title and metadata');
    });
    await trial.check('names-its-origin', () => equal(fork.forked_from, { snapshot_id: taken.id }, 'forked_from'));
    await trial.check('others-have-none', () => equal(session.forked_from, null, 'forked_from of a plain session'));
  },
});
