import type { Capability } from '../../../contract/capabilities.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { NotApplicable, NotRun } from '../../core/verdict.ts';
import { type Ground, READ_ROUTES, ROUTES, type Route, sendRoute, unknownGround } from '../../tables/routes.ts';
import type { Api } from '../../wire/api.ts';
import { DURING_COST, longSession, sendDuringTurns } from '../../wire/concurrent-turns.ts';
import { HELD_TURN_COST, holdTurn, resendTurn } from '../../wire/held-turn.ts';
import type { Reply } from '../../wire/reply.ts';
import { toolResult, user } from '../../wire/sessions.ts';
import { expectAsUnknown } from '../accounts/unknown.ts';
import { expectMarked, expectSameAnswer } from '../idempotency/replays.ts';

/** What every route answers while a turn of its session runs. */

const NEEDS: Capability[] = ['sessions', 'sessions.append', 'chat', 'chat.stream', 'tokens.estimate', 'idempotency'];

/** Requests as the table has them, but such that they do next to nothing where no turn is under way. */
const HARMLESS: Readonly<Record<string, Route['body']>> = {
  append: () => toolResult('nobody'),
  'append-several': () => ({ messages: [user('One.'), toolResult('nobody')] }),
  'append-lines': () => toolResult('nobody'),
  truncate: ({ limits }) => ({ preserve_len: limits.window_tokens }),
  compress: ({ limits }) => ({ ratio: limits.compress_ratio_max }),
  chat: ({ target, texts }, { session }) => ({
    model: target.model,
    session_id: session,
    messages: [toolResult('nobody')],
    max_tokens: 16 + texts.overhead.answer,
  }),
  'streamed-chat': ({ target, texts }, { session }) => ({
    model: target.model,
    session_id: session,
    messages: [toolResult('nobody')],
    max_tokens: 16 + texts.overhead.answer,
    stream: true,
  }),
};

/** A deletion, and a turn that brings tools, cannot be undone or refused; so they are sent only where a turn is seen to run. */
const HELD_ONLY = new Set(['delete', 'chat-with-tools']);
const CHANGES = ROUTES.filter(({ steps, deletes, names }) => names === 'session' && (steps || deletes));

function harmless(route: Route): Route {
  const body = HARMLESS[route.name];
  return body ? { ...route, body } : route;
}

async function busyGround(context: CaseContext<string>, id: string): Promise<Ground> {
  const { id: snapshot } = await context.api.createSnapshot(id);
  const [first, second] = await context.api.windowOf(id);
  return { session: id, message: first?.id ?? '', pinned: second?.id ?? '', snapshot, share: '' };
}

/** What each route was answered while a turn ran, as far as it met one. */
async function meetTurns(context: CaseContext<string>): Promise<{ met: Map<string, Reply>; held: boolean }> {
  const { api } = context;
  const met = new Map<string, Reply>();
  const { id } = await api.createSession({ messages: [user('Hello.'), { ...user('Pinned.'), pinned: true }] });
  const ground = await busyGround(context, id);
  await holdTurn(
    context,
    id,
    async () => {
      const probe = await sendRoute(
        context,
        { ...ROUTES[0], name: 'probe', needs: [], path: () => `/sessions/${id}`, body: () => ({}) },
        ground,
      );
      if (probe.status < 300) return;
      for (const route of CHANGES) met.set(route.name, await sendRoute(context, harmless(route), ground));
    },
    context.nonce(),
  );
  if (met.size > 0) return { met, held: true };
  // Here a turn cannot be made to wait, so that requests are sent until each has met one.
  const long = await busyGround(context, await longSession(context));
  const sent = CHANGES.filter(({ name }) => !HELD_ONLY.has(name));
  let count = 0;
  await sendDuringTurns(
    context,
    long.session,
    async () => {
      const route = sent[count % sent.length] as Route;
      count += 1;
      const reply = await sendRoute(context, harmless(route), long);
      if (isBusy(reply)) met.set(route.name, reply);
      return reply;
    },
    () => sent.every(({ name }) => met.has(name)),
  );
  const unmet = sent.filter(({ name }) => !met.has(name));
  for (const [name, reply] of await letThrough(context, long, unmet)) met.set(name, reply);
  return { met, held: false };
}

/** What is answered between two refusals as busy, one after the other, is answered while the turn runs. */
async function letThrough(
  context: CaseContext<string>,
  ground: Ground,
  routes: readonly Route[],
): Promise<Map<string, Reply>> {
  const through = new Map<string, Reply>();
  const beacon = ROUTES.find(({ name }) => name === 'append') as Route;
  let between: [name: string, reply: Reply] | undefined;
  let busyBefore = false;
  let count = 0;
  if (routes.length === 0) return through;
  await sendDuringTurns(
    context,
    ground.session,
    async (number) => {
      const route = number % 2 === 1 ? beacon : (routes[count % routes.length] as Route);
      const reply = await sendRoute(context, harmless(route), ground);
      if (number === 1) [busyBefore, between] = [false, undefined];
      if (route === beacon) {
        if (isBusy(reply) && busyBefore && between) through.set(...between);
        busyBefore = isBusy(reply);
      } else {
        count += 1;
        between = isBusy(reply) ? undefined : [route.name, reply];
      }
      return reply;
    },
    () => through.size === routes.length,
    1,
  );
  return through;
}

/** What is only seen of a turn that waits. */
const UNSEEN = [
  'reads-before',
  'snapshot-before',
  'in-progress-told',
  'in-progress-retry-after',
  'in-progress-should-retry',
] as const;
export const MEANWHILE_READS = READ_ROUTES.filter(({ name }) => name !== 'read-share');
const READS = Object.fromEntries(MEANWHILE_READS.map(({ name }) => [name, 'turn.reads']));
const MEANWHILE = {
  'reads-before': 'turn.reads',
  ...READS,
  'snapshot-before': 'turn.reads',
  'replay-answered': 'idempotency.before-state',
  'stale-first': 'versions.order',
  'key-free-after-busy': 'idempotency.refusal-free',
  'in-progress-told': 'idempotency.in-progress',
  'in-progress-retry-after': 'versions.retry-after',
  'in-progress-should-retry': 'versions.should-retry',
  'replayed-after': 'idempotency.stream',
  'other-account-as-unknown': 'accounts.as-never-was',
  'others-not-busy': 'turn.busy',
} as const;

/** What an answer tells of one session: lists of the account hold others too. @throws Mismatch where it is refused */
function ofSession(reply: Reply, id: string): unknown {
  const { json } = expectSuccess(reply);
  const { data } = json as { data?: { id: string; session_id?: string }[] };
  return data ? data.filter((item) => item.session_id === id || item.id === id) : json;
}

const isBusy = ({ text }: Reply) => text.includes('session_busy');

/** So many requests were refused as busy that no turn was too short for one of them by chance. */
const ENOUGH_BUSY = 6;

const turnBusyRoutes = defineCase<string>({
  id: 'turn.busy-routes',
  title: 'every change of a session is refused while a turn of it runs',
  needs: [
    ...NEEDS,
    'sessions.snapshot',
    'sessions.rollback',
    'sessions.truncate',
    'sessions.compress',
    'sessions.append.stream',
  ],
  checks: {
    ...Object.fromEntries(CHANGES.map(({ name }) => [name, 'turn.busy'])),
    'should-retry': 'versions.should-retry',
    'retry-after': 'versions.retry-after',
  },
  cost: () => ({ ...DURING_COST, promptTokens: 4 * DURING_COST.promptTokens + HELD_TURN_COST.promptTokens }),
  async run({ check }, context) {
    const { met, held } = await meetTurns(context);
    const busy = [...met.values()].filter(({ text }) => text.includes('session_busy'));
    if (!held && busy.length < ENOUGH_BUSY) {
      throw new NotRun('no turn lasted long enough for anything to arrive meanwhile');
    }
    for (const { name } of CHANGES) {
      const reply = met.get(name);
      // What cannot be undone is not sent where a turn does not wait: all others were refused.
      await check(name, () => (held || reply ? expectError(reply as Reply, 'session_busy') : undefined));
    }
    await check('should-retry', () => {
      for (const reply of busy)
        expectEqual(reply.headers.get('x-should-retry'), 'true', `${reply.what}: x-should-retry`);
    });
    await check('retry-after', () => {
      for (const { what, headers } of busy) {
        const after = headers.get('retry-after');
        expectTrue(after !== null && Number(after) > 0, `${what}: a busy session says Retry-After, not ${after}`);
      }
    });
  },
});

const turnBusyMeanwhile = defineCase<string>({
  id: 'turn.busy-meanwhile',
  title: 'reads, snapshots, replays, keys and other accounts, while a turn runs',
  needs: [...NEEDS, 'sessions.snapshot', 'versioning'],
  twoAccounts: true,
  checks: MEANWHILE,
  cost: () => ({
    ...DURING_COST,
    promptTokens: 4 * DURING_COST.promptTokens + HELD_TURN_COST.promptTokens,
  }),
  async run({ api, check, nonce, secondAccount }, context) {
    const other = secondAccount();
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    const beside = await api.createSession({ messages: [user('Hello.')] });
    const used = { headers: { 'Idempotency-Key': nonce() } };
    const path = `/sessions/${id}/messages`;
    const first = expectSuccess(await api.post(path, user('Once.'), used));
    const { id: snapshot } = await api.createSnapshot(id);
    const before = await api.stateOf(id);
    const freed = { headers: { 'Idempotency-Key': nonce() } };
    const ground: Ground = { session: id, message: before.messages[0]?.id ?? '', pinned: '', snapshot, share: '' };
    const readAll = async () => {
      const read = MEANWHILE_READS.map(
        async ({ name, path: at }) => [name, ofSession(await api.get(at(ground)), id)] as const,
      );
      return new Map(await Promise.all(read));
    };
    const readBefore = await readAll();
    let conflict: Reply | undefined;
    const key = nonce();
    const answer = await holdTurn(
      context,
      id,
      async () => {
        await check('others-not-busy', () => api.append(beside.id, user('Not held up.')));
        conflict = await api.post(path, user('Later.'), freed);
        // Over a connection whose buffers hold the whole answer the turn is over by now, and the rest holds all the same.
        if (conflict.status < 300) return;
        await check('reads-before', () => api.expectUnchanged(before));
        for (const { name, path: at } of MEANWHILE_READS) {
          await check(name, async () => {
            expectEqual(
              ofSession(await api.get(at(ground)), id),
              readBefore.get(name),
              'what was read before the turn',
            );
          });
        }
        await check('snapshot-before', async () => {
          const { archived } = await api.createSnapshot(id);
          expectEqual(archived.messages, before.messages.length, 'the messages that a snapshot archives');
        });
        await check('replay-answered', async () => expectSameAnswer(first, await api.post(path, user('Once.'), used)));
        await check('stale-first', async () => {
          const headers = { 'If-Match': `"${before.session.version + 7}"` };
          expectError(await api.post(path, user('Stale.'), { headers }), 'version_conflict');
        });
        const twin = await resendTurn(context, id, key);
        await check('in-progress-told', () => expectError(twin, 'request_in_progress'));
        await check('in-progress-retry-after', () => {
          const after = twin.headers.get('retry-after');
          expectTrue(after !== null && Number(after) > 0, `a request in progress says Retry-After, not ${after}`);
        });
        await check('in-progress-should-retry', () => {
          expectEqual(twin.headers.get('x-should-retry'), 'true', 'x-should-retry of a request in progress');
        });
        await check('other-account-as-unknown', async () => {
          const unknown = unknownGround(ground);
          for (const route of CHANGES.filter(({ needs }) => !needs.includes('sessions.rollback'))) {
            const replies = [
              await sendRoute(context, route, ground, {}, other),
              await sendRoute(context, route, unknown, {}, other),
            ] as const;
            expectAsUnknown([replies[0], ground], [replies[1], unknown]);
          }
          for (const rest of ['', '/messages']) {
            const replies = [
              await other.get(`/sessions/${id}${rest}`),
              await other.get(`/sessions/${unknown.session}${rest}`),
            ] as const;
            expectAsUnknown([replies[0], id], [replies[1], unknown.session]);
          }
        });
      },
      key,
    );
    await check('key-free-after-busy', async () => {
      const reply = await api.post(path, user('Later.'), freed);
      if (conflict && conflict.status < 300) return expectSameAnswer(conflict, reply);
      expectTrue(!reply.headers.has('idempotent-replayed'), 'what was refused as busy is carried out later');
      expectEqual((await api.windowOf(id)).at(-1)?.content, 'Later.', 'the last message');
      expectSuccess(reply);
    });
    await check('replayed-after', async () => {
      const state = await api.stateOf(id);
      const again = await resendTurn(context, id, key);
      expectSameAnswer(answer, again);
      expectMarked(answer, again);
      await api.expectUnchanged(state);
    });
    if (conflict && conflict.status < 300) await meanwhileInLanes(context, other);
  },
});

/** The same where no turn can be made to wait: sent as often as it takes to meet one. What cannot be told apart then is not judged. */
async function meanwhileInLanes(context: CaseContext<string>, other: Api): Promise<void> {
  const { api } = context;
  const id = await longSession(context);
  const ground = await busyGround(context, id);
  const unknown = unknownGround(ground);
  const path = `/sessions/${id}/messages`;
  const used = { headers: { 'Idempotency-Key': context.nonce() } };
  const first = expectSuccess(await api.post(path, user('Once.'), used));
  const stale = { headers: { 'If-Match': '"999999"' } };
  const routes = CHANGES.filter(({ chats }) => !chats);
  const replies = { replay: [] as Reply[], stale: [] as Reply[], busy: [] as Reply[], theirs: [] as [Route, Reply][] };
  const kinds = [
    async () => replies.replay.push(await api.post(path, user('Once.'), used)),
    async () => replies.stale.push(await api.post(path, user('Stale.'), stale)),
    async () => replies.busy.push(await api.post(path, toolResult('nobody'))),
    async (number: number) => {
      const route = routes[number % routes.length] as Route;
      replies.theirs.push([route, await sendRoute(context, route, ground, {}, other)]);
    },
  ];
  let sent = 0;
  await sendDuringTurns(
    context,
    id,
    async () => {
      sent += 1;
      await (kinds[sent % kinds.length] as (typeof kinds)[number])(Math.floor(sent / kinds.length));
      return replies.busy.at(-1) ?? first;
    },
    () => sent > 4 * kinds.length * routes.length,
  );
  await context.check('replay-answered', () => replies.replay.forEach((reply) => void expectSameAnswer(first, reply)));
  await context.check('stale-first', () =>
    replies.stale.forEach((reply) => void expectError(reply, 'version_conflict')),
  );
  await context.check('other-account-as-unknown', async () => {
    for (const [route, reply] of replies.theirs) {
      expectAsUnknown([reply, ground], [await sendRoute(context, route, unknown, {}, other), unknown]);
    }
  });
  for (const name of [...UNSEEN, ...MEANWHILE_READS.map((read) => read.name)]) {
    await context
      .check(name, () => {
        throw new NotApplicable('a turn cannot be made to wait over this connection');
      })
      .catch(() => undefined);
  }
}

export const BUSY_CASES: readonly Case[] = [turnBusyRoutes, turnBusyMeanwhile];
