import { defineCase } from '../../core/case.ts';
import { holds, refused, succeeded } from '../../core/expect.ts';
import { NotRun } from '../../core/verdict.ts';
import { append, createSession, getSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { DURING_COST, duringTurns, faultyTurn, longSession } from '../../wire/during.ts';
import { neverWas } from '../../wire/ids.ts';
import type { Reply } from '../../wire/reply.ts';
import { tooLarge } from '../../wire/too-large.ts';
import { ifMatch } from './changes.ts';

const BAD = { role: 'user', content: 5 };
const orphan = (content: string) => ({ role: 'tool', tool_call_id: 'nobody', content });
/** So many plain requests that were told to come again, and none of the faulty ones, are no accident. */
const ENOUGH_BUSY = 4;

export const versionsOrder = defineCase({
  id: 'versions.order',
  title: 'of two faults the first is told',
  needs: ['sessions', 'sessions.append', 'idempotency', 'versioning'],
  checks: {
    'authentication-before-size': 'versions.order',
    'size-before-schema': 'versions.order',
    'schema-before-replay': 'versions.order',
    'replay-before-existence': 'versions.order',
    'existence-before-version': 'versions.order',
    'version-before-pairing': 'versions.order',
    'pairing-before-size-of-write': 'versions.order',
    'size-of-write-before-window': 'versions.order',
  },
  async run(trial) {
    const { api, limits } = trial;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const nowhere = `/sessions/${neverWas(id)}/messages`;
    const used = { 'Idempotency-Key': trial.nonce() };
    await append(api, id, user('Under a key.'), { headers: used });
    await append(api, id, user('The version goes on.'));
    const before = await stateOf(api, id);
    const { version } = before.session;
    const large = JSON.stringify(BAD) + ' '.repeat(limits.body_bytes);
    // A word is at least one token in any vocabulary.
    const words = (tokens: number) => ' river'.repeat(tokens);
    await trial.check('authentication-before-size', async () => {
      refused(await api.post(path, undefined, { raw: large, key: null }), 'invalid_authentication');
    });
    await trial.check('size-before-schema', async () => {
      tooLarge(await api.post(path, undefined, { raw: large }), large.length, limits.body_bytes);
    });
    await trial.check('schema-before-replay', async () => {
      refused(await api.post(path, BAD, { headers: used }), 'invalid_request');
    });
    await trial.check('replay-before-existence', async () => {
      refused(await api.post(nowhere, user('Other.'), { headers: used }), 'idempotency_mismatch');
    });
    await trial.check('existence-before-version', async () => {
      refused(await api.post(nowhere, user('Other.'), ifMatch(version + 7)), 'session_not_found');
    });
    await trial.check('version-before-pairing', async () => {
      refused(await api.post(path, orphan('x'), ifMatch(version - 1)), 'version_conflict');
    });
    await trial.check('pairing-before-size-of-write', async () => {
      refused(await api.post(path, orphan(words(limits.append_tokens))), 'tool_result_orphan');
    });
    await trial.check('size-of-write-before-window', async () => {
      refused(await api.post(path, user(words(limits.window_tokens))), 'append_too_large');
      await unchanged(api, before);
      await append(api, id, user('Without a fault.'));
    });
  },
});

export const versionsBusy = defineCase({
  id: 'versions.busy',
  title: 'what a busy session tells first, and when to come again',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.stream', 'tokens.estimate', 'versioning'],
  checks: {
    'version-before-busy': 'versions.order',
    'busy-before-pairing': 'versions.order',
    'should-retry': 'versions.should-retry',
    'retry-after': 'versions.retry-after',
  },
  cost: () => ({ ...DURING_COST, promptTokens: 4 * DURING_COST.promptTokens }),
  async run(trial) {
    const { api } = trial;
    const id = await longSession(trial);
    const replies: Record<'stale' | 'orphan' | 'plain', Reply[]> = { stale: [], orphan: [], plain: [] };
    const send = {
      stale: () => api.post(`/sessions/${id}`, { title: 'stale' }, ifMatch(999_999)),
      orphan: () => faultyTurn(trial, id),
      plain: (number: number) => api.post(`/sessions/${id}`, { title: `${number}` }),
    };
    const kinds = ['orphan', 'plain', 'stale'] as const;
    const busy = (kind: keyof typeof replies) =>
      replies[kind].filter(({ status, text }) => status === 409 && text.includes('session_busy'));
    await duringTurns(
      trial,
      id,
      async (number) => {
        const kind = kinds[number % kinds.length] ?? 'plain';
        const reply = await send[kind](number);
        replies[kind].push(reply);
        return reply;
      },
      () => busy('orphan').length > 0 && busy('plain').length > 0 && replies.stale.length > 0,
    );
    const waiting = [...busy('plain'), ...busy('orphan')];
    const mustHaveMet = () => {
      if (waiting.length === 0) throw new NotRun('no turn lasted long enough for anything to arrive meanwhile');
    };
    await trial.check('version-before-busy', () => {
      for (const reply of replies.stale) refused(reply, 'version_conflict');
    });
    await trial.check('should-retry', () => {
      for (const reply of waiting) {
        refused(reply, 'session_busy');
        holds(
          reply.headers.get('x-should-retry') === 'true',
          `${reply.what}: a busy session says x-should-retry: true`,
        );
      }
      mustHaveMet();
    });
    await trial.check('retry-after', () => {
      for (const reply of waiting) {
        const after = reply.headers.get('retry-after');
        holds(after !== null && Number(after) > 0, `${reply.what}: a busy session says Retry-After, not ${after}`);
      }
      mustHaveMet();
    });
    await trial.check('busy-before-pairing', () => {
      if (busy('orphan').length > 0) return;
      mustHaveMet();
      const met = busy('plain').length;
      if (met < ENOUGH_BUSY) throw new NotRun(`only ${met} requests met a turn, and none of them with a fault`);
      for (const reply of replies.orphan) refused(reply, 'session_busy');
    });
    succeeded(await api.post(`/sessions/${id}`, { title: 'It goes on.' }));
    await getSession(api, id);
  },
});
