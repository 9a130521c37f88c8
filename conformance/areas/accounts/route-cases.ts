import { type Case, defineCase } from '../../core/case.ts';
import { expectError, expectSuccess } from '../../core/expect.ts';
import { expectNothingDone, inventoryOf } from '../../tables/inventory.ts';
import {
  CHAT_COST,
  GROUND_NEEDS,
  layGround,
  notFound,
  ROUTES,
  type Route,
  sendRoute,
  unknownGround,
} from '../../tables/routes.ts';

import type { WireRuleId } from '../rules.ts';
import { expectAsUnknown } from './unknown.ts';

/** Every route, sent by another account than the one that it speaks of. */

function ruleOf({ chats, creates, names }: Route): WireRuleId {
  if (chats) return 'accounts.chat';
  if (creates) return 'accounts.snapshots-restored';
  return names === 'snapshot' ? 'accounts.snapshots-changed' : 'accounts.sessions-changed';
}

const acts = ({ rehearses, creates }: Route) => !rehearses && !creates;

function crossAccountCase(route: Route): Case {
  const rule = ruleOf(route);
  return defineCase<string>({
    id: `accounts.${route.name}`,
    title: `${route.name} by another account`,
    needs: [...GROUND_NEEDS, 'idempotency', 'versioning', ...route.needs],
    twoAccounts: true,
    checks: {
      'not-found': rule,
      // What changes nothing of the ground cannot be seen on it.
      ...(acts(route) && { 'does-nothing': rule }),
      'as-unknown': 'accounts.as-never-was',
      'key-hidden': 'accounts.nothing-told',
      ...(route.versioned && { 'version-hidden': 'accounts.nothing-told' }),
    },
    cost: () => ({ requests: 90, ...(route.chats && CHAT_COST) }),
    async run({ api, check, nonce, secondAccount }, context) {
      const other = secondAccount();
      const ground = await layGround(context, route);
      const unknown = unknownGround(ground);
      const before = await inventoryOf(context, ground);
      const both = async (headers: Record<string, string> = {}) =>
        expectAsUnknown(
          [await sendRoute(context, route, ground, { headers }, other), ground],
          [await sendRoute(context, route, unknown, { headers }, other), unknown],
        );
      await check('not-found', async () => {
        expectError(await sendRoute(context, route, ground, {}, other), notFound(route).code);
      });
      await check('as-unknown', () => both());
      if (route.versioned) {
        await check('version-hidden', async () => {
          const { version } = await api.getSession(ground.session);
          for (const asked of [`"${version}"`, '"999999"']) await both({ 'If-Match': asked });
        });
      }
      if (acts(route)) await check('does-nothing', () => expectNothingDone(context, ground, before));
      const key = { 'Idempotency-Key': nonce() };
      expectSuccess(await sendRoute(context, route, ground, { headers: key }));
      await check('key-hidden', () => both(key));
    },
  });
}

export const CROSS_ACCOUNT_CASES: readonly Case[] = ROUTES.filter(({ names }) => names && names !== 'share').map(
  crossAccountCase,
);
