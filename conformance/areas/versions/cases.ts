import { LIVE_TEXT } from '../../../contract/errors.ts';
import { SessionTruncation } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import {
  expectBody,
  expectBodyTooLarge,
  expectEqual,
  expectError,
  expectSuccess,
  expectTrue,
  preview,
} from '../../core/expect.ts';
import { CHAT_COST } from '../../tables/routes.ts';
import type { Reply } from '../../wire/reply.ts';
import {
  append,
  createSession,
  createSnapshot,
  expectUnchanged,
  stateOf,
  unknownId,
  user,
} from '../../wire/sessions.ts';
import { fillWindow, TOOL } from '../../wire/windows.ts';
import { VERSION_CASES } from './route-cases.ts';
import { versionTimes } from './time-cases.ts';

function ifMatch(version: number): { headers: Record<string, string> } {
  return { headers: { 'If-Match': `"${version}"` } };
}

const versionsReads = defineCase({
  id: 'versions.reads',
  title: 'the version when a session is created, read or snapshotted',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'versioning'],
  checks: {
    'create-etag': 'versions.etag',
    'read-etag': 'versions.etag',
    'snapshot-leaves': 'versions.snapshot',
  },
  async run(context) {
    const { api } = context;
    const created = await api.post('/sessions', { messages: [user('The first message.')] });
    const { id, version: first } = expectSuccess(created).json as { id: string; version: number };
    const path = `/sessions/${id}`;
    await context.check('create-etag', () =>
      expectEqual(created.headers.get('etag'), `"${first}"`, 'the ETag of a creation'),
    );
    await append(api, id, user('One more.'));
    const before = await stateOf(api, id);
    const { version } = before.session;
    await context.check('read-etag', async () => {
      expectEqual((await api.get(path)).headers.get('etag'), `"${version}"`, 'the ETag of a read');
    });
    await context.check('snapshot-leaves', async () => {
      await createSnapshot(api, id);
      await expectUnchanged(api, before);
    });
  },
});

const versionsNoOps = defineCase({
  id: 'versions.no-ops',
  title: 'requests without effect keep the version',
  needs: ['sessions', 'sessions.append', 'versioning'],
  checks: {
    'same-title': 'versions.no-op',
    'same-metadata': 'versions.no-op',
    'same-tools': 'versions.no-op',
    'no-field': 'versions.no-op',
    'pin-as-it-is': 'versions.no-op',
    refusals: 'versions.refusal',
  },
  async run(context) {
    const { api, limits, texts } = context;
    const given = { title: 'A title', metadata: { a: '1' }, tools: [TOOL] };
    const { id } = await createSession(api, { ...given, messages: [user('The first message.')] });
    const path = `/sessions/${id}`;
    const before = await stateOf(api, id);
    const message = `${path}/messages/${before.messages[0]?.id}`;
    const leaves = async (to: string, body: object) => {
      expectSuccess(await api.post(to, body));
      await expectUnchanged(api, before);
    };
    await context.check('same-title', () => leaves(path, { title: given.title }));
    await context.check('same-metadata', () => leaves(path, { metadata: given.metadata }));
    await context.check('same-tools', () => leaves(path, { tools: given.tools }));
    await context.check('no-field', () => leaves(path, {}));
    await context.check('pin-as-it-is', () => leaves(message, { pinned: false }));
    await context.check('refusals', async () => {
      expectError(await api.post(path, { title: 5 }), 'invalid_request');
      expectError(
        await api.post(`${path}/messages`, { role: 'tool', tool_call_id: 'nobody', content: 'x' }),
        'tool_result_orphan',
      );
      expectError(
        await api.post(`${path}/messages`, user(await texts.exactly(limits.append_tokens + 1))),
        'append_too_large',
      );
      expectError(await api.post(`${path}/messages/${id}`, { pinned: true }), 'message_not_found');
      await expectUnchanged(api, before);
      await append(api, id, user('This one is good.'));
    });
  },
});

const versionsTruncations = defineCase({
  id: 'versions.truncations',
  title: 'truncates without effect keep the version',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate', 'versioning'],
  checks: { rehearsal: 'versions.dry-run', 'nothing-to-cut': 'versions.no-op', 'too-little-kept': 'versions.refusal' },
  async run(context) {
    const { api, limits } = context;
    const { id } = await createSession(api);
    await fillWindow(context, id, 2 * limits.min_preserve_tokens, Math.floor(limits.min_preserve_tokens / 2));
    const before = await stateOf(api, id);
    const truncate = (body: object) => api.post(`/sessions/${id}/truncate`, body);
    const least = limits.min_preserve_tokens;
    await context.check('rehearsal', async () => {
      const { version } = expectBody(await truncate({ preserve_len: least, dry_run: true }), SessionTruncation);
      expectEqual(version, before.session.version, 'the version that a rehearsal names');
      await expectUnchanged(api, before);
    });
    await context.check('nothing-to-cut', async () => {
      const { version } = expectBody(
        await truncate({ preserve_len: before.session.usage.total_tokens }),
        SessionTruncation,
      );
      expectEqual(version, before.session.version, 'the version after nothing was cut');
      await expectUnchanged(api, before);
    });
    await context.check('too-little-kept', async () => {
      expectError(await truncate({ preserve_len: least - 1 }), 'preserve_len_too_small');
      await expectUnchanged(api, before);
      expectBody(await truncate({ preserve_len: least }), SessionTruncation);
    });
  },
});

const BAD = { role: 'user', content: 5 };

const orphan = (content: string) => ({ role: 'tool', tool_call_id: 'nobody', content });

const versionsOrder = defineCase({
  id: 'versions.order',
  title: 'of two faults the first is reported',
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
  async run(context) {
    const { api, limits } = context;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const nowhere = `/sessions/${unknownId(id)}/messages`;
    const used = { 'Idempotency-Key': context.nonce() };
    await append(api, id, user('Under a key.'), { headers: used });
    await append(api, id, user('The version goes on.'));
    const before = await stateOf(api, id);
    const { version } = before.session;
    const large = JSON.stringify(BAD) + ' '.repeat(limits.body_bytes);
    // A word is at least one token in any vocabulary.
    const words = (tokens: number) => ' river'.repeat(tokens);
    await context.check('authentication-before-size', async () => {
      expectError(await api.post(path, undefined, { raw: large, key: null }), 'incorrect_api_key');
    });
    await context.check('size-before-schema', async () => {
      expectBodyTooLarge(await api.post(path, undefined, { raw: large }), large.length, limits.body_bytes);
    });
    await context.check('schema-before-replay', async () => {
      expectError(await api.post(path, BAD, { headers: used }), 'invalid_request');
    });
    await context.check('replay-before-existence', async () => {
      expectError(await api.post(nowhere, user('Other.'), { headers: used }), 'idempotency_mismatch');
    });
    await context.check('existence-before-version', async () => {
      expectError(await api.post(nowhere, user('Other.'), ifMatch(version + 7)), 'session_not_found');
    });
    await context.check('version-before-pairing', async () => {
      expectError(await api.post(path, orphan('x'), ifMatch(version - 1)), 'version_conflict');
    });
    await context.check('pairing-before-size-of-write', async () => {
      expectError(await api.post(path, orphan(words(limits.append_tokens))), 'tool_result_orphan');
    });
    await context.check('size-of-write-before-window', async () => {
      expectError(await api.post(path, user(words(limits.window_tokens))), 'append_too_large');
      await expectUnchanged(api, before);
      await append(api, id, user('Without a fault.'));
    });
  },
});

function bare(reply: Reply): void {
  const { error } = reply.json as { error: object };
  expectTrue(!('code' in error) && !('param' in error), `${reply.what}: neither code nor param, got ${preview(error)}`);
}

const versionsEnvelope = defineCase({
  id: 'versions.envelope',
  title: 'the code and param of a refusal',
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
  async run(context) {
    const { api, limits, target } = context;
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
    await context.check('path-code', async () =>
      expectError(await api.get(`/sessions/${unknownId(id)}`), 'session_not_found'),
    );
    await context.check('snapshot-code', async () => {
      expectError(await api.get(`/snapshots/${unknownId(id)}`), 'snapshot_not_found');
    });
    await context.check('chat-code', async () => expectError(await say({ n: 2 }), 'invalid_request', { param: 'n' }));
    await context.check('field-named', async () => {
      expectError(await api.post(path, { title: 5 }), 'invalid_request', { param: 'title' });
    });
    await context.check('deep-field-named', async () => {
      const messages = [user('Good.'), { role: 'user', content: 5 }];
      expectError(await api.post(`${path}/messages`, { messages }), 'invalid_request', {
        param: 'messages[1].content',
      });
    });
    await context.check('authentication-bare', async () => {
      const reply = await api.get(path, { key: null });
      expectEqual(expectError(reply, 'incorrect_api_key'), LIVE_TEXT.incorrectApiKey, 'the message');
      bare(reply);
    });
    await context.check('model-bare', async () => {
      const reply = await say({ model: 'kimi-k2-of-nowhere' });
      expectError(reply, 'model_not_found');
      bare(reply);
    });
    await context.check('size-bare', async () => {
      const size = limits.body_bytes + 1;
      const reply = await api.post(`${path}/messages`, undefined, { raw: ' '.repeat(size) });
      expectBodyTooLarge(reply, size, limits.body_bytes);
      bare(reply);
      await expectUnchanged(api, before);
      await append(api, id, user('It goes on.'));
    });
  },
});

const versionsHeaders = defineCase({
  id: 'versions.headers',
  title: 'headers of refusals',
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
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const path = `/sessions/${id}`;
    const used = { headers: { 'Idempotency-Key': context.nonce() } };
    const successes = [
      await api.get(path),
      await api.get(`${path}/messages`),
      await api.post(path, { title: 'x' }),
      await api.post(`${path}/messages`, user('One.'), used),
      await api.post(`${path}/messages`, user('One.'), used),
    ];
    for (const reply of successes) expectSuccess(reply);
    const refusals = {
      'not-found': [await api.get(`/sessions/${unknownId(id)}`), 'session_not_found'],
      invalid: [await api.post(path, { title: 5 }), 'invalid_request'],
      conflict: [await api.post(path, { title: 'y' }, ifMatch(999_999)), 'version_conflict'],
      mismatch: [await api.post(`${path}/messages`, user('Two.'), used), 'idempotency_mismatch'],
      unauthorized: [await api.get(path, { key: null }), 'incorrect_api_key'],
    } as const;
    for (const [name, [reply, code]] of Object.entries(refusals) as [
      keyof typeof refusals,
      (typeof refusals)[keyof typeof refusals],
    ][]) {
      await context.check(`${name}-no-retry`, () => {
        expectError(reply, code);
        expectEqual(reply.headers.get('x-should-retry'), 'false', `${reply.what}: x-should-retry`);
      });
    }
    await context.check('no-retry-after', () => {
      for (const [reply] of [refusals.conflict, refusals.mismatch]) {
        expectEqual(reply.headers.get('retry-after'), null, `${reply.what}: Retry-After of a conflict that stays`);
      }
    });
    const named = (reply: Reply) => {
      const name = reply.headers.get('msh-request-id');
      expectTrue(name !== null && name !== '', `${reply.what} (${reply.status}): no Msh-Request-Id`);
      return name;
    };
    const refusedReplies = Object.values(refusals).map(([reply]) => reply);
    await context.check('success-named', () => successes.forEach((reply) => void named(reply)));
    await context.check('refusal-named', () => refusedReplies.forEach((reply) => void named(reply)));
    await context.check('each-differently', () => {
      const names = [...successes, ...refusedReplies].map(named);
      expectEqual(new Set(names).size, names.length, 'the number of different names');
    });
  },
});

export const VERSIONS_CASES: readonly Case[] = [
  versionsReads,
  versionsNoOps,
  versionsTruncations,
  versionsOrder,
  versionsEnvelope,
  versionsHeaders,
  ...VERSION_CASES,
  versionTimes,
];
