import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess } from '../../core/expect.ts';
import { expectNothingDone, inventoryOf } from '../../tables/inventory.ts';
import { CHAT_COST, GROUND_NEEDS, layGround, ROUTES, type Route, sendRoute } from '../../tables/routes.ts';

/** Every route of a session, under the version that it asks for. */

const MALFORMED = ['7', '"01"', '"1.0"', '"a"', '""', 'W/"1"', '"1", "2"'];

function ifMatch(version: number | string): { headers: Record<string, string> } {
  return { headers: { 'If-Match': typeof version === 'number' ? `"${version}"` : version } };
}

function versionCase(route: Route): Case {
  return defineCase<string>({
    id: `versions.${route.name}`,
    title: `the version that ${route.name} asks for and leaves`,
    needs: [...GROUND_NEEDS, 'versioning', ...route.needs],
    checks: {
      'stale-refused': 'versions.stale',
      'malformed-refused': 'versions.malformed',
      'match-accepted': 'versions.match',
      ...(route.steps && { 'steps-once': 'versions.steps-once' }),
      ...(route.rehearses && { 'changes-nothing': 'versions.dry-run' }),
      ...(route.name === 'snapshot' && { 'version-kept': 'versions.snapshot' }),
      ...((route.steps || route.rehearses) && !route.lines && { etag: 'versions.etag' }),
    },
    cost: () => ({ requests: 90, ...(route.chats && CHAT_COST) }),
    async run({ api, check, require }, context) {
      const ground = await layGround(context, route);
      const before = await inventoryOf(context, ground);
      const { version } = await api.getSession(ground.session);
      await check('stale-refused', async () => {
        for (const stale of [version - 1, version + 1, 10 * version]) {
          expectError(await sendRoute(context, route, ground, ifMatch(stale)), 'version_conflict');
        }
        await expectNothingDone(context, ground, before);
      });
      await check('malformed-refused', async () => {
        for (const header of MALFORMED) {
          expectError(await sendRoute(context, route, ground, ifMatch(header)), 'invalid_request');
        }
        await expectNothingDone(context, ground, before);
      });
      // The version is asked for anew, in case what had to be refused was not.
      const current = (await api.getSession(ground.session)).version;
      const reply = await sendRoute(context, route, ground, ifMatch(current));
      await require('match-accepted', () => expectSuccess(reply));
      const due = route.steps ? current + 1 : current;
      if (route.steps) {
        await check('steps-once', async () => {
          expectEqual((await api.getSession(ground.session)).version, due, 'the version after one change');
        });
      }
      if (route.rehearses) await check('changes-nothing', () => expectNothingDone(context, ground, before));
      if (route.name === 'snapshot') {
        await check('version-kept', async () => {
          expectEqual((await api.getSession(ground.session)).version, current, 'the version after a snapshot');
        });
      }
      // The head of a stream leaves before its change, so that only some can name the version in it.
      if ((route.steps || route.rehearses) && !route.lines) {
        await check('etag', () => {
          const etag = reply.headers.get('etag');
          if (etag !== null || route.name !== 'streamed-chat')
            expectEqual(etag, `"${due}"`, `the ETag of ${reply.what}`);
        });
      }
    },
  });
}

export const VERSION_CASES: readonly Case[] = ROUTES.filter(({ versioned }) => versioned).map(versionCase);
