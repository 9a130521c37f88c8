import { defineCase } from '../../core/case.ts';
import { equal, holds } from '../../core/expect.ts';
import { append, createSession, user } from '../../wire/dialect.ts';
import { asks, recalled, recalls, tells } from '../../wire/recall.ts';
import { turn, turns } from './turn.ts';

/** More than any window of "the last messages" that a server might keep. */
const MANY = 30;
const SEEN_TRIES = 3;

export const turnHistory = defineCase({
  id: 'turn.history',
  title: 'the model reads what was written and said before',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'written-before-read': 'turn.history',
    'said-before-read': 'turn.history',
    'oldest-of-many-read': 'turn.history',
    'late-system-read': 'turn.system-late',
  },
  cost: turns(14, { promptTokens: 16_384, completionTokens: 512 }),
  async run(trial) {
    const { api } = trial;
    await trial.check('written-before-read', async () => {
      const word = trial.nonce();
      const { id } = await createSession(api);
      await append(api, id, [user(tells(word)), { role: 'assistant', content: 'Noted.' }]);
      await recalls(trial, { session_id: id }, word);
    });
    await trial.check('said-before-read', async () => {
      const word = trial.nonce();
      const { id } = await createSession(api);
      await turn(trial, id, [user(`${tells(word)} Reply with exactly: Noted.`)]);
      await recalls(trial, { session_id: id }, word);
    });
    await trial.check('oldest-of-many-read', async () => {
      const word = trial.nonce();
      const { id } = await createSession(api, { messages: [user(tells(word))] });
      const others = Array.from({ length: MANY }, (_, index) => user(`Item ${index + 1} is in the box.`));
      const half = MANY / 2;
      await append(api, id, others.slice(0, half));
      await append(api, id, others.slice(half));
      await recalls(trial, { session_id: id }, word);
    });
    await trial.check('late-system-read', async () => {
      const [old, word] = [trial.nonce(), trial.nonce()];
      const { id } = await createSession(api, { messages: [user(tells(old))] });
      await append(api, id, [{ role: 'assistant', content: 'Noted.' }, user('Thank you.')]);
      await append(api, id, { role: 'system', content: `The code word has changed. ${tells(word)}` });
      await recalls(trial, { session_id: id }, word);
    });
  },
});

export const turnIsolation = defineCase({
  id: 'turn.isolation',
  title: 'the model reads no other session',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'own-read': 'turn.own-history',
    'other-not-read': 'turn.own-history',
    'outside-not-read': 'turn.own-history',
    'stored-apart': 'turn.own-history',
  },
  cost: turns(12, { completionTokens: 384 }),
  async run(trial) {
    const { api, target } = trial;
    const [mine, theirs] = [trial.nonce(), trial.nonce()];
    const knowing = await createSession(api, { messages: [user(tells(mine))] });
    const other = await createSession(api, { messages: [user(tells(theirs, 'garden'))] });
    await trial.check('own-read', async () => {
      await recalls(trial, { session_id: knowing.id }, mine);
      await recalls(trial, { session_id: other.id }, theirs, 'garden');
    });
    // One hit is final: what a session must not see does not come by chance.
    await trial.check('other-not-read', async () => {
      for (let tries = 0; tries < SEEN_TRIES; tries += 1) {
        const said = await recalled(trial, { session_id: other.id });
        holds(!said.includes(mine), `a session knows what another was told: ${said}`);
      }
    });
    await trial.check('outside-not-read', async () => {
      const said = await recalled(trial, { messages: [asks()] });
      holds(!said.includes(mine), `a chat without session knows what a session was told: ${said}`);
    });
    await trial.check('stored-apart', async () => {
      const [first, second] = [await createSession(api), await createSession(api)];
      const { session } = await turn(trial, first.id, [user('Say hello.')]);
      equal(session.usage.messages, 2, 'the messages of the session that had the turn');
      const untouched = await turn(trial, second.id, [user(`Say hello, ${target.model}.`)]);
      equal(untouched.session.usage.messages, 2, 'the messages of the other session after its own turn');
    });
  },
});
