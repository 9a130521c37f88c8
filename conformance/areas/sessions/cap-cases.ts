import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { type Ground, ROUTES, type Route, sendRoute } from '../../tables/routes.ts';
import type { Api } from '../../wire/api.ts';
import { idOf, user } from '../../wire/sessions.ts';
import { facts } from '../../wire/windows.ts';
import { expectSameAnswer, isReplay } from '../idempotency/replays.ts';
import type { WireRuleId } from '../rules.ts';
import { fillAccount } from './lifetime-cases.ts';

/** Everything that takes a place in an account: at the last one, and where none is left. */

interface Cap {
  kind: 'sessions' | 'snapshots';
  routes: readonly Route[];
  rule: (route: Route) => WireRuleId;
  code: 'session_limit_reached' | 'snapshot_limit_reached';
}

const CAPS: readonly Cap[] = [
  {
    kind: 'sessions',
    routes: ROUTES.filter(({ creates }) => creates),
    rule: ({ names }) => (names ? 'forks.counts' : 'sessions.limit'),
    code: 'session_limit_reached',
  },
  {
    kind: 'snapshots',
    routes: ROUTES.filter(({ name }) => name === 'snapshot' || name === 'compress'),
    rule: ({ name }) => (name === 'compress' ? 'compress.snapshot-limit' : 'snapshots.limit'),
    code: 'snapshot_limit_reached',
  },
];

const FACTS = 8;

/** Fills an account but for one place. */
async function fillToTheLast({ limits }: CaseContext<string>, api: Api, { kind }: Cap): Promise<Ground> {
  const { id } = await api.createSession({ messages: facts(FACTS) });
  const { id: snapshot } = await api.createSnapshot(id);
  const ground = { session: id, message: '', pinned: '', snapshot, share: '' };
  if (kind === 'sessions') await fillAccount(api, limits.sessions - 2);
  else for (let taken = 2; taken < limits.snapshots; taken += 1) await api.createSnapshot(id);
  return ground;
}

/** Gives the place back that a request has taken. */
async function free(api: Api, { kind }: Cap): Promise<void> {
  const { data } = expectSuccess(await api.get(`/${kind}?limit=1`)).json as { data: { id: string }[] };
  expectSuccess(await api.delete(`/${kind}/${data[0]?.id}`));
}

async function newest(api: Api, { kind }: Cap): Promise<unknown> {
  const { data } = expectSuccess(await api.get(`/${kind}?limit=3`)).json as { data: { id: string }[] };
  return data.map(idOf);
}

function capCase(cap: Cap): Case {
  const checks = cap.routes.flatMap((route): [string, WireRuleId][] => [
    [`${route.name}-counts`, cap.rule(route)],
    [`${route.name}-refused`, cap.rule(route)],
    [`${route.name}-no-retry`, 'versions.should-retry'],
    [`${route.name}-replayed`, 'idempotency.before-state'],
    [`${route.name}-key-free`, 'idempotency.refusal-free'],
  ]);
  return defineCase<string>({
    id: `${cap.kind}.full`,
    title: `an account that is full of ${cap.kind}`,
    needs: [
      'sessions',
      'sessions.list',
      'sessions.append',
      'idempotency',
      'sessions.snapshot',
      'tokens.estimate',
      ...new Set(cap.routes.flatMap(({ needs }) => needs)),
    ],
    scope: 'account',
    checks: Object.fromEntries(checks),
    cost: (limits) => ({ requests: 2 * limits[cap.kind] + 40 + 20 * cap.routes.length }),
    async run(context) {
      const api = await context.emptyAccount();
      const ground = await fillToTheLast(context, api, cap);
      // What is shared is another account's where there is one, so that the fork counts for whoever forks.
      const own = api.account === context.api.account;
      const shared = own ? ground.session : (await context.api.createSession({ messages: [user('To be shared.')] })).id;
      const theirs = await context.api.share(own ? ground.snapshot : (await context.api.createSnapshot(shared)).id);
      const [filler] = ROUTES.filter(({ name }) => name === (cap.kind === 'sessions' ? 'create' : 'snapshot')) as [
        Route,
      ];
      for (const route of cap.routes) {
        const at = { ...ground, share: theirs };
        const key = { headers: { 'Idempotency-Key': context.nonce() } };
        const first = await sendRoute(context, route, at, key, api);
        await context.check(`${route.name}-counts`, async () => {
          expectSuccess(first);
          expectError(await sendRoute(context, filler, at, {}, api), cap.code);
        });
        await context.check(`${route.name}-replayed`, async () => {
          expectSameAnswer(first, await sendRoute(context, route, at, key, api));
        });
        // Where it took none, another request takes the last place.
        await sendRoute(context, filler, at, {}, api);
        // A compress has made the window short; what it is to replace is there again.
        if (route.name === 'compress') {
          expectSuccess(await api.post(`/sessions/${ground.session}/messages`, { messages: facts(FACTS) }));
        }
        const before = await newest(api, cap);
        const other = { headers: { 'Idempotency-Key': context.nonce() } };
        await context.check(`${route.name}-refused`, async () => {
          expectError(await sendRoute(context, route, at, other, api), cap.code);
          expectError(await sendRoute(context, route, at, {}, api), cap.code);
          expectEqual(await newest(api, cap), before, `the newest ${cap.kind}`);
        });
        await context.check(`${route.name}-no-retry`, async () => {
          const reply = await sendRoute(context, route, at, {}, api);
          expectError(reply, cap.code);
          expectEqual(reply.headers.get('x-should-retry'), 'false', `${reply.what}: x-should-retry`);
        });
        await free(api, cap);
        await context.check(`${route.name}-key-free`, async () => {
          const reply = expectSuccess(await sendRoute(context, route, at, other, api));
          expectTrue(!isReplay(reply), 'what was refused because the account was full is carried out later');
        });
        await free(api, cap);
      }
    },
  });
}

export const CAP_CASES: readonly Case[] = CAPS.map(capCase);
