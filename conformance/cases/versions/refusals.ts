import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, show, succeeded } from '../../core/expect.ts';
import { CHAT_COST } from '../../wire/changes.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import type { Reply } from '../../wire/reply.ts';
import { tooLarge } from '../../wire/too-large.ts';
import { ifMatch } from './changes.ts';

function bare(reply: Reply): void {
  const { error } = reply.json as { error: object };
  holds(!('code' in error) && !('param' in error), `${reply.what}: neither code nor param, got ${show(error)}`);
}

export const versionsEnvelope = defineCase({
  id: 'versions.envelope',
  title: 'what a refusal names',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'chat', 'versioning'],
  checks: {
    'path-code': 'versions.code',
    'snapshot-code': 'versions.code',
    'chat-code': 'versions.code',
    'field-named': 'versions.code',
    'deep-field-named': 'versions.code',
    'authentication-bare': 'versions.live-rows-bare',
    'model-bare': 'versions.live-rows-bare',
    'size-bare': 'versions.live-rows-bare',
  },
  cost: () => CHAT_COST,
  async run(trial) {
    const { api, limits, target } = trial;
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const before = await stateOf(api, id);
    const path = `/sessions/${id}`;
    const say = (body: object) =>
      api.post('/chat/completions', {
        model: target.model,
        session_id: id,
        messages: [user('Hi.')],
        max_tokens: 16,
        ...body,
      });
    await trial.check('path-code', async () =>
      refused(await api.get(`/sessions/${neverWas(id)}`), 'session_not_found'),
    );
    await trial.check('snapshot-code', async () => {
      refused(await api.get(`/snapshots/${neverWas(id)}`), 'snapshot_not_found');
    });
    await trial.check('chat-code', async () => refused(await say({ n: 2 }), 'invalid_request', { param: 'n' }));
    await trial.check('field-named', async () => {
      refused(await api.post(path, { title: 5 }), 'invalid_request', { param: 'title' });
    });
    await trial.check('deep-field-named', async () => {
      const messages = [user('Good.'), { role: 'user', content: 5 }];
      refused(await api.post(`${path}/messages`, { messages }), 'invalid_request', { param: 'messages[1].content' });
    });
    await trial.check('authentication-bare', async () => {
      const reply = await api.get(path, { key: null });
      equal(refused(reply, 'invalid_authentication'), LIVE_TEXT.invalidAuthentication, 'the message');
      bare(reply);
    });
    await trial.check('model-bare', async () => {
      const reply = await say({ model: 'kimi-k2-of-nowhere' });
      refused(reply, 'model_not_found');
      bare(reply);
    });
    await trial.check('size-bare', async () => {
      const size = limits.body_bytes + 1;
      const reply = await api.post(`${path}/messages`, undefined, { raw: ' '.repeat(size) });
      tooLarge(reply, size, limits.body_bytes);
      bare(reply);
      await unchanged(api, before);
      await append(api, id, user('It goes on.'));
    });
  },
});

export const versionsHeaders = defineCase({
  id: 'versions.headers',
  title: 'what headers tell',
  needs: ['sessions', 'sessions.append', 'versioning', 'idempotency'],
  checks: {
    'not-found-no-retry': 'versions.should-retry',
    'invalid-no-retry': 'versions.should-retry',
    'conflict-no-retry': 'versions.should-retry',
    'mismatch-no-retry': 'versions.should-retry',
    'unauthorized-no-retry': 'versions.should-retry',
    'no-retry-after': 'versions.no-retry-after',
    'success-named': 'versions.request-id',
    'refusal-named': 'versions.request-id',
    'each-differently': 'versions.request-id',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const path = `/sessions/${id}`;
    const used = { headers: { 'Idempotency-Key': trial.nonce() } };
    const successes = [
      await api.get(path),
      await api.get(`${path}/messages`),
      await api.post(path, { title: 'x' }),
      await api.post(`${path}/messages`, user('One.'), used),
      await api.post(`${path}/messages`, user('One.'), used),
    ];
    for (const reply of successes) succeeded(reply);
    const refusals = {
      'not-found': [await api.get(`/sessions/${neverWas(id)}`), 'session_not_found'],
      invalid: [await api.post(path, { title: 5 }), 'invalid_request'],
      conflict: [await api.post(path, { title: 'y' }, ifMatch(999_999)), 'version_conflict'],
      mismatch: [await api.post(`${path}/messages`, user('Two.'), used), 'idempotency_mismatch'],
      unauthorized: [await api.get(path, { key: null }), 'invalid_authentication'],
    } as const;
    for (const [name, [reply, code]] of Object.entries(refusals) as [
      keyof typeof refusals,
      (typeof refusals)[keyof typeof refusals],
    ][]) {
      await trial.check(`${name}-no-retry`, () => {
        refused(reply, code);
        equal(reply.headers.get('x-should-retry'), 'false', `${reply.what}: x-should-retry`);
      });
    }
    await trial.check('no-retry-after', () => {
      for (const [reply] of [refusals.conflict, refusals.mismatch]) {
        equal(reply.headers.get('retry-after'), null, `${reply.what}: Retry-After of a conflict that stays`);
      }
    });
    const named = (reply: Reply) => {
      const name = reply.headers.get('msh-request-id');
      holds(name !== null && name !== '', `${reply.what} (${reply.status}): no Msh-Request-Id`);
      return name;
    };
    const refusedReplies = Object.values(refusals).map(([reply]) => reply);
    await trial.check('success-named', () => successes.forEach((reply) => void named(reply)));
    await trial.check('refusal-named', () => refusedReplies.forEach((reply) => void named(reply)));
    await trial.check('each-differently', () => {
      const names = [...successes, ...refusedReplies].map(named);
      equal(new Set(names).size, names.length, 'the number of different names');
    });
  },
});
