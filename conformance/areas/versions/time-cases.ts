import { setTimeout as wait } from 'node:timers/promises';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { CHAT_COST, GROUND_NEEDS, type Ground, layGround, ROUTES, type Route, sendRoute } from '../../tables/routes.ts';

/** Times are whole seconds, so that one has to pass between two that are to differ. */
const A_SECOND_MS = 1_050;
const STEPPING = ROUTES.filter(({ steps }) => steps);

/** Sessions that are laid at once: a slot is left for a fork. */
const AT_ONCE = 4;

export const versionTimes: Case = defineCase<string>({
  id: 'versions.times',
  title: 'the times of a session, its messages and its forks',
  needs: [...GROUND_NEEDS, 'versioning', 'sessions.fork', ...new Set(STEPPING.flatMap(({ needs }) => needs))],
  checks: {
    ...Object.fromEntries(STEPPING.map(({ name }) => [name, 'versions.updated-at'])),
    'messages-keep-theirs': 'versions.message-times',
    'fork-has-its-own': 'versions.fork-times',
    'fork-messages-keep-theirs': 'versions.message-times',
    'rehearsal-keeps': 'versions.updated-at',
  },
  cost: () => ({ requests: 40 * STEPPING.length, promptTokens: 4 * CHAT_COST.promptTokens, completionTokens: 512 }),
  async run({ limits, target, check, emptyAccount, as }, context) {
    // Where there are accounts enough, all wait for the same second.
    const size = target.newKey ? STEPPING.length : Math.max(1, Math.min(AT_ONCE, limits.sessions - 1));
    for (let from = 0; from < STEPPING.length; from += size) {
      const laid: { route: Route; ground: Ground; owner: CaseContext<string> }[] = [];
      for (const route of STEPPING.slice(from, from + size)) {
        const owner = target.newKey ? as(await emptyAccount()) : context;
        const needs = [...route.needs, 'tokens.estimate'] as const;
        laid.push({ route, owner, ground: await layGround(owner, { ...route, needs }) });
      }
      await wait(A_SECOND_MS);
      for (const { route, ground, owner } of laid) {
        const { api } = owner;
        const before = await api.getSession(ground.session);
        const window = await api.windowOf(ground.session);
        await check(route.name, async () => {
          expectSuccess(await sendRoute(owner, route, ground));
          const { updated_at, created_at } = await api.getSession(ground.session);
          expectTrue(updated_at > before.updated_at, `updated_at moves on with ${route.name}`);
          expectEqual(created_at, before.created_at, 'created_at');
        });
        const times = new Map(window.map((message) => [message.id, message.created_at]));
        if (route.name === 'rollback') {
          await check('messages-keep-theirs', async () => {
            for (const message of await api.windowOf(ground.session)) {
              expectEqual(message.created_at, times.get(message.id), 'the time of a message after a rollback');
            }
          });
          await check('fork-has-its-own', async () => {
            const fork = await api.createSession({ snapshot_id: ground.snapshot });
            expectTrue(
              fork.created_at > before.created_at,
              `a fork of ${fork.created_at} is newer than ${before.created_at}`,
            );
            const forked = (await api.windowOf(fork.id)).map(({ created_at }) => created_at);
            await check('fork-messages-keep-theirs', () => {
              expectEqual(
                forked,
                window.slice(0, forked.length).map(({ created_at }) => created_at),
                'the times of its messages',
              );
            });
            expectSuccess(await api.delete(`/sessions/${fork.id}`));
          });
        }
        if (route.name === 'title') {
          await check('rehearsal-keeps', async () => {
            const { updated_at } = await api.getSession(ground.session);
            expectSuccess(await api.post(`/sessions/${ground.session}`, { title: 'Another title' }));
            expectEqual(
              (await api.getSession(ground.session)).updated_at,
              updated_at,
              'updated_at after a request without effect',
            );
          });
        }
        expectSuccess(await api.delete(`/sessions/${ground.session}`));
        if (ground.snapshot) expectSuccess(await api.delete(`/snapshots/${ground.snapshot}`));
      }
    }
  },
});
