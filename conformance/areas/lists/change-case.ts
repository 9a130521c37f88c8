import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { CHAT_COST, GROUND_NEEDS, layGround, ROUTES, sendRoute } from '../../tables/routes.ts';

/** Every route that changes a session. */
export const STEPS = ROUTES.filter(({ steps }) => steps);

export const CHANGE_CASE: Case = defineCase<string>({
  id: 'lists.changed-sessions',
  title: 'a session is listed as it is read, after each kind of change',
  needs: [...new Set([...GROUND_NEEDS, 'sessions.list' as const, ...STEPS.flatMap(({ needs }) => needs)])],
  checks: Object.fromEntries(STEPS.map(({ name }) => [name, 'lists.whole' as const])),
  cost: () => ({ requests: 40 * STEPS.length, promptTokens: 3 * CHAT_COST.promptTokens, completionTokens: 768 }),
  async run(context) {
    const { api, check } = context;
    for (const route of STEPS) {
      await check(route.name, async () => {
        const ground = await layGround(context, route);
        expectSuccess(await sendRoute(context, route, ground));
        const { data } = expectBody(await api.get('/sessions'), listOf(Session));
        const listed = data.find(({ id }) => id === ground.session);
        // The newest stand first, so that it is on the first page.
        expectTrue(listed !== undefined, 'the session is on the first page');
        expectEqual(listed, await api.getSession(ground.session), 'the session in the list, against itself');
        expectSuccess(await api.delete(`/sessions/${ground.session}`));
      });
    }
  },
});
