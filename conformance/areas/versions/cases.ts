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
import { unknownId, user } from '../../wire/sessions.ts';
import { fillWindow, TOOL } from '../../wire/windows.ts';
import { PARAM_CASES } from './param-cases.ts';
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
    'create-etag read-etag window-etag snapshot-etag': 'versions.etag',
    'snapshot-leaves': 'versions.snapshot',
  },
  async run({ api, check }) {
    const created = await api.post('/sessions', { messages: [user('The first message.')] });
    const { id, version: first } = expectSuccess(created).json as { id: string; version: number };
    const path = `/sessions/${id}`;
    await check('create-etag', () => expectEqual(created.headers.get('etag'), `"${first}"`, 'the ETag of a creation'));
    await api.append(id, user('One more.'));
    const before = await api.stateOf(id);
    const { version } = before.session;
    await check('read-etag', async () => {
      expectEqual((await api.get(path)).headers.get('etag'), `"${version}"`, 'the ETag of a read');
    });
    await check('window-etag', async () => {
      expectEqual((await api.get(`${path}/messages`)).headers.get('etag'), `"${version}"`, 'the ETag of the window');
    });
    await check('snapshot-etag', async () => {
      const reply = expectSuccess(await api.post(`${path}/snapshots`));
      expectEqual(reply.headers.get('etag'), `"${version}"`, 'the ETag of a snapshot that is taken');
    });
    await check('snapshot-leaves', async () => {
      await api.createSnapshot(id);
      await api.expectUnchanged(before);
    });
  },
});

const versionsNoOps = defineCase({
  id: 'versions.no-ops',
  title: 'requests without effect keep the version',
  needs: ['sessions', 'sessions.append', 'versioning'],
  checks: {
    'same-title same-metadata same-tools no-field pin-as-it-is pin-again': 'versions.no-op',
    refusals: 'versions.refusal',
  },
  async run({ api, limits, texts, check }) {
    const given = { title: 'A title', metadata: { a: '1' }, tools: [TOOL] };
    const messages = [user('The first message.'), { ...user('A message with a pin.'), pinned: true }];
    const { id } = await api.createSession({ ...given, messages });
    const path = `/sessions/${id}`;
    const before = await api.stateOf(id);
    const at = (place: number) => `${path}/messages/${before.messages[place]?.id}`;
    const leaves = async (to: string, body: object) => {
      expectSuccess(await api.post(to, body));
      await api.expectUnchanged(before);
    };
    await check('same-title', () => leaves(path, { title: given.title }));
    await check('same-metadata', () => leaves(path, { metadata: given.metadata }));
    await check('same-tools', () => leaves(path, { tools: given.tools }));
    await check('no-field', () => leaves(path, {}));
    await check('pin-as-it-is', () => leaves(at(0), { pinned: false }));
    await check('pin-again', () => leaves(at(1), { pinned: true }));
    await check('refusals', async () => {
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
      await api.expectUnchanged(before);
      await api.append(id, user('This one is good.'));
    });
  },
});

const versionsTruncations = defineCase({
  id: 'versions.truncations',
  title: 'truncates without effect keep the version',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate', 'versioning'],
  checks: {
    rehearsal: 'versions.dry-run',
    'nothing-to-cut': 'versions.no-op',
    'too-little-kept': 'versions.refusal',
  },
  async run({ api, limits, check }, context) {
    const { id } = await api.createSession();
    await fillWindow(context, id, 2 * limits.min_preserve_tokens, Math.floor(limits.min_preserve_tokens / 2));
    const before = await api.stateOf(id);
    const truncate = (body: object) => api.post(`/sessions/${id}/truncate`, body);
    const least = limits.min_preserve_tokens;
    await check('rehearsal', async () => {
      const { version } = expectBody(await truncate({ preserve_len: least, dry_run: true }), SessionTruncation);
      expectEqual(version, before.session.version, 'the version that a rehearsal names');
      await api.expectUnchanged(before);
    });
    await check('nothing-to-cut', async () => {
      const { version } = expectBody(
        await truncate({ preserve_len: before.session.usage.total_tokens }),
        SessionTruncation,
      );
      expectEqual(version, before.session.version, 'the version after nothing was cut');
      await api.expectUnchanged(before);
    });
    await check('too-little-kept', async () => {
      expectError(await truncate({ preserve_len: least - 1 }), 'preserve_len_too_small');
      await api.expectUnchanged(before);
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
    'authentication-before-size size-before-schema schema-before-replay replay-before-existence': 'versions.order',
    'existence-before-version version-before-pairing pairing-before-size-of-write': 'versions.order',
    'size-of-write-before-window': 'versions.order',
  },
  async run({ api, limits, check, nonce }) {
    const { id } = await api.createSession();
    const path = `/sessions/${id}/messages`;
    const nowhere = `/sessions/${unknownId(id)}/messages`;
    const used = { 'Idempotency-Key': nonce() };
    await api.append(id, user('Under a key.'), { headers: used });
    await api.append(id, user('The version goes on.'));
    const before = await api.stateOf(id);
    const { version } = before.session;
    const large = JSON.stringify(BAD) + ' '.repeat(limits.body_bytes);
    // A word is at least one token in any vocabulary.
    const words = (tokens: number) => ' river'.repeat(tokens);
    await check('authentication-before-size', async () => {
      expectError(await api.post(path, undefined, { raw: large, key: null }), 'incorrect_api_key');
    });
    await check('size-before-schema', async () => {
      expectBodyTooLarge(await api.post(path, undefined, { raw: large }), large.length, limits.body_bytes);
    });
    await check('schema-before-replay', async () => {
      expectError(await api.post(path, BAD, { headers: used }), 'invalid_request');
    });
    await check('replay-before-existence', async () => {
      expectError(await api.post(nowhere, user('Other.'), { headers: used }), 'idempotency_mismatch');
    });
    await check('existence-before-version', async () => {
      expectError(await api.post(nowhere, user('Other.'), ifMatch(version + 7)), 'session_not_found');
    });
    await check('version-before-pairing', async () => {
      expectError(await api.post(path, orphan('x'), ifMatch(version - 1)), 'version_conflict');
    });
    await check('pairing-before-size-of-write', async () => {
      expectError(await api.post(path, orphan(words(limits.append_tokens))), 'tool_result_orphan');
    });
    await check('size-of-write-before-window', async () => {
      expectError(await api.post(path, user(words(limits.window_tokens))), 'append_too_large');
      await api.expectUnchanged(before);
      await api.append(id, user('Without a fault.'));
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
    'path-code snapshot-code chat-code field-named deep-field-named': 'versions.code',
    'authentication-bare model-bare size-bare': 'versions.live-rows-bare',
  },
  cost: () => CHAT_COST,
  async run({ api, limits, target, texts, check }) {
    const { id } = await api.createSession({ messages: [user('The first message.')] });
    const before = await api.stateOf(id);
    const path = `/sessions/${id}`;
    const say = (body: object) =>
      api.post('/chat/completions', {
        model: target.model,
        session_id: id,
        messages: [user('Hi.')],
        max_tokens: 16 + texts.overhead.answer,
        ...body,
      });
    await check('path-code', async () => expectError(await api.get(`/sessions/${unknownId(id)}`), 'session_not_found'));
    await check('snapshot-code', async () => {
      expectError(await api.get(`/snapshots/${unknownId(id)}`), 'snapshot_not_found');
    });
    await check('chat-code', async () => {
      const { id: session_id } = await api.createSession();
      expectError(await say({ session_id, messages: [] }), 'invalid_request', { param: 'messages' });
    });
    await check('field-named', async () => {
      expectError(await api.post(path, { title: 5 }), 'invalid_request', { param: 'title' });
    });
    await check('deep-field-named', async () => {
      const messages = [user('Good.'), { role: 'user', content: 5 }];
      expectError(await api.post(`${path}/messages`, { messages }), 'invalid_request', {
        param: 'messages[1].content',
      });
    });
    await check('authentication-bare', async () => {
      const reply = await api.get(path, { key: null });
      expectEqual(expectError(reply, 'incorrect_api_key'), LIVE_TEXT.incorrectApiKey, 'the message');
      bare(reply);
    });
    await check('model-bare', async () => {
      const reply = await say({ model: 'kimi-k2-of-nowhere' });
      expectError(reply, 'model_not_found');
      bare(reply);
    });
    await check('size-bare', async () => {
      const size = limits.body_bytes + 1;
      const reply = await api.post(`${path}/messages`, undefined, { raw: ' '.repeat(size) });
      expectBodyTooLarge(reply, size, limits.body_bytes);
      bare(reply);
      await api.expectUnchanged(before);
      await api.append(id, user('It goes on.'));
    });
  },
});

const versionsHeaders = defineCase({
  id: 'versions.headers',
  title: 'headers of refusals',
  needs: ['sessions', 'sessions.append', 'versioning', 'idempotency'],
  checks: {
    'not-found-no-retry invalid-no-retry conflict-no-retry mismatch-no-retry': 'versions.should-retry',
    'unauthorized-no-retry': 'versions.should-retry',
    'no-retry-after': 'versions.no-retry-after',
    'success-named refusal-named each-differently': 'versions.request-id',
  },
  async run({ api, check, nonce }) {
    const { id } = await api.createSession();
    const path = `/sessions/${id}`;
    const used = { headers: { 'Idempotency-Key': nonce() } };
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
      await check(`${name}-no-retry`, () => {
        expectError(reply, code);
        expectEqual(reply.headers.get('x-should-retry'), 'false', `${reply.what}: x-should-retry`);
      });
    }
    await check('no-retry-after', () => {
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
    await check('success-named', () => successes.forEach((reply) => void named(reply)));
    await check('refusal-named', () => refusedReplies.forEach((reply) => void named(reply)));
    await check('each-differently', () => {
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
  ...PARAM_CASES,
  versionTimes,
];
