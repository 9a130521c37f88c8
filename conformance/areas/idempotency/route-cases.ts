import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { expectNothingDone, inventoryOf } from '../../tables/inventory.ts';
import {
  CHAT_COST,
  GROUND_NEEDS,
  type Ground,
  layGround,
  notFound,
  ROUTES,
  type Route,
  sendRoute,
  unknownGround,
} from '../../tables/routes.ts';
import { refusalOfStream } from '../../tables/writes.ts';
import type { SendOptions } from '../../wire/api.ts';
import { user } from '../../wire/sessions.ts';
import { OTHER_TOOL } from '../../wire/windows.ts';
import { expectMarked, expectSameAnswer, isReplay } from './replays.ts';

/** Every route, sent again under its key. */

function keyed(context: CaseContext<string>, more: Record<string, string> = {}): SendOptions {
  return { headers: { 'Idempotency-Key': `${context.nonce()}-Key`, ...more } };
}

/** Changes all that the route has changed, so that a second effect would show. */
async function disturb({ api }: CaseContext<string>, route: Route, ground: Ground): Promise<void> {
  if (route.names === 'snapshot' && ground.share !== '' && !route.deletes) {
    if (route.name === 'share') expectSuccess(await api.delete(`/snapshots/${ground.snapshot}/share`));
    if (route.name === 'unshare') await api.share(ground.snapshot);
  }
  if (route.deletes && route.names === 'session') return;
  const path = `/sessions/${ground.session}`;
  expectSuccess(await api.post(path, { title: 'Between', metadata: { between: '1' }, tools: [OTHER_TOOL] }));
  if (route.name === 'pin') expectSuccess(await api.post(route.path(ground), { pinned: false }));
  if (route.name === 'unpin') expectSuccess(await api.post(route.path(ground), { pinned: true }));
  for (const text of [
    'Between.',
    'A message that was written in between, with some words more than the others have.',
  ]) {
    await api.append(ground.session, user(text));
  }
}

/** Its answer is stored, and given again when what it is about is gone. */
const isKept = ({ body, deletes, lines }: Route): boolean => body !== undefined && !deletes && !lines;

function replayCase(route: Route): Case {
  return defineCase<string>({
    id: `idempotency.${route.name}`,
    title: `${route.name}, sent again under its key`,
    needs: [...GROUND_NEEDS, 'idempotency', 'versioning', ...route.needs],
    checks: {
      'same-answer': 'idempotency.same-answer',
      ...(!route.lines && { marked: 'idempotency.replayed-header' }),
      // A second effect cannot be seen of what has none, or can have none.
      ...(!route.rehearses && !route.deletes && { once: 'idempotency.once' }),
      ...(route.body && { mismatch: 'idempotency.mismatch' }),
      ...(route.body && !route.rehearses && { 'mismatch-does-nothing': 'idempotency.mismatch' }),
      ...(isKept(route) && { 'after-deletion': 'idempotency.before-state' }),
      ...(route.names && { 'free-after-not-found': 'idempotency.refusal-free' }),
      ...(route.names && { 'key-case': 'idempotency.key-bytes' }),
      ...(route.versioned && { 'free-after-conflict': 'idempotency.refusal-free' }),
    },
    cost: () => ({ requests: 90, ...(route.chats && CHAT_COST) }),
    async run({ check }, context) {
      const ground = await layGround(context, route);
      const send = keyed(context);
      const stale = { headers: { ...send.headers, 'If-Match': '"999999"' } };
      const missing = route.names && (await sendRoute(context, route, unknownGround(ground), send));
      const conflict = route.versioned && (await sendRoute(context, route, ground, stale));
      const first = await sendRoute(context, route, ground, send);
      const carriedOut = () => expectTrue(!isReplay(expectSuccess(first)), 'the key of a refusal is free');
      if (missing) {
        await check('free-after-not-found', () => {
          expectError(refusalOfStream(missing), notFound(route).code);
          carriedOut();
        });
      }
      if (conflict) {
        await check('free-after-conflict', () => {
          expectError(conflict, 'version_conflict');
          carriedOut();
        });
      }
      expectSuccess(first);
      if (route.names) {
        await check('key-case', async () => {
          // Of what is not there, so that nothing happens.
          const key = (send.headers as Record<string, string>)['Idempotency-Key'] ?? '';
          const lower = { headers: { 'Idempotency-Key': key.toLowerCase() } };
          const reply = await sendRoute(context, route, unknownGround(ground), lower);
          expectError(refusalOfStream(reply), notFound(route).code);
        });
      }
      await disturb(context, route, ground);
      const { id: created } = (first.json ?? {}) as { id?: string };
      if (route.creates && created) expectSuccess(await context.api.post(`/sessions/${created}`, { title: 'Changed' }));
      const after = await inventoryOf(context, ground);
      // A third time as well: what is stored is not used up by the first replay.
      const again = [await sendRoute(context, route, ground, send), await sendRoute(context, route, ground, send)];
      await check('same-answer', () => again.forEach((reply) => void expectSameAnswer(first, reply)));
      if (!route.lines) await check('marked', () => again.forEach((reply) => void expectMarked(first, reply)));
      if (!route.rehearses && !route.deletes) await check('once', () => expectNothingDone(context, ground, after));
      if (!route.body) return;
      // Another body that is as good, since unknown fields are ignored.
      const other = JSON.stringify({ ...route.body(context, ground), x_other: 1 });
      const raw = route.lines ? `${other}\n` : other;
      const state = await inventoryOf(context, ground);
      await check('mismatch', async () => {
        const reply = await sendRoute(context, route, ground, { ...send, raw });
        expectError(refusalOfStream(reply), 'idempotency_mismatch');
        if (!route.lines) expectEqual(reply.headers.get('x-should-retry'), 'false', `${reply.what}: x-should-retry`);
        expectSameAnswer(first, await sendRoute(context, route, ground, send));
      });
      if (!route.rehearses) await check('mismatch-does-nothing', () => expectNothingDone(context, ground, state));
      if (!isKept(route)) return;
      await check('after-deletion', async () => {
        const { session, snapshot } = ground;
        const of = route.names === 'session' ? `/sessions/${session}` : `/snapshots/${snapshot}`;
        for (const path of route.creates ? [`/sessions/${created}`, ...(route.names ? [of] : [])] : [of]) {
          expectSuccess(await context.api.delete(path));
          expectSameAnswer(first, await sendRoute(context, route, ground, send));
        }
      });
    },
  });
}

export const REPLAY_CASES: readonly Case[] = ROUTES.map(replayCase);
