import { contentText } from '../../../contract/content-text.ts';
import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { append, createSession, createSnapshot, readMessages, user } from '../../wire/dialect.ts';
import { fillWindow } from '../../wire/fill.ts';

export const snapshotMessages = defineCase({
  id: 'snapshots.messages',
  title: 'what a snapshot holds can be listed and searched',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'restored-by-default': 'snapshots.messages',
    'both-scopes-by-name': 'snapshots.messages',
    'newest-first-on-request': 'snapshots.messages',
    'unknown-scope-refused': 'snapshots.scope',
    'all-words': 'snapshots.query',
    'any-case': 'snapshots.query',
    'newest-first': 'snapshots.query',
    'none-found': 'snapshots.query',
    'searched-in-its-scope': 'snapshots.query',
  },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api);
    const old = ['The parcel of Lisbon is heavy.', 'The parcel of Oslo is light.', 'The invoice of Oslo is late.'];
    await append(api, id, old.map(user));
    await fillWindow(trial, id, Math.floor(1.5 * least), Math.floor(least / 4));
    const late = 'The second parcel of Oslo is lost.';
    const { usage } = await append(api, id, user(late));
    // Everything but the oldest of these messages is restored.
    const taken = await createSnapshot(api, id, { preserve_len: Math.max(least, usage.total_tokens - 40) });
    const path = `/snapshots/${taken.id}/messages`;
    const archived = await readMessages(api, `${path}?scope=archived`);
    const restored = await readMessages(api, path);
    const found = async (query: string, scope = 'archived') => {
      const messages = await readMessages(api, `${path}?scope=${scope}&query=${encodeURIComponent(query)}`);
      return messages.map(({ content }) => contentText(content));
    };
    await trial.check('restored-by-default', () => {
      equal(restored, archived.slice(-taken.usage.messages), 'the messages where no scope is named');
    });
    await trial.check('both-scopes-by-name', async () => {
      equal(archived.length, taken.archived.messages, 'the archived messages');
      equal(await readMessages(api, `${path}?scope=restored`), restored, 'the restored messages');
    });
    await trial.check('newest-first-on-request', async () => {
      const turned = await readMessages(api, `${path}?scope=archived&order=desc`);
      equal(turned, archived.toReversed(), 'the archived messages in the order desc');
    });
    await trial.check('unknown-scope-refused', async () => {
      refused(await api.get(`${path}?scope=everything`), 'invalid_request', { param: 'scope' });
    });
    const [lisbon, oslo, invoice] = old;
    await trial.check('all-words', async () => {
      equal((await found('oslo parcel')).toSorted(), [oslo, late].toSorted(), 'what holds both words');
      equal(await found('lisbon heavy'), [lisbon], 'what holds both words');
    });
    await trial.check('any-case', async () => equal(await found('INVOICE'), [invoice], 'what holds the word'));
    await trial.check('newest-first', async () => equal(await found('Oslo'), [late, invoice, oslo], 'what is found'));
    await trial.check('none-found', async () => equal(await found('parcel Madrid'), [], 'what is found'));
    await trial.check('searched-in-its-scope', async () => {
      equal(await found('parcel lisbon', 'restored'), [], 'what is found among what is restored');
      equal(await found('parcel lost', 'restored'), [late], 'what is found among what is restored');
    });
  },
});
