import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectError, expectSuccess } from '../../core/expect.ts';
import { expectNothingDone, inventoryOf } from '../../tables/inventory.ts';
import { GROUND_NEEDS, type Ground, layGround, ROUTES, type Route, sendRoute } from '../../tables/routes.ts';
import { user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';

/** On each route, what is wrong with one field: the refusal blames it, and nothing happens. */

/** What a field may not be, by a name for it; undefined: it is not there. */
type Wrong = Readonly<Record<string, unknown>>;

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, place) => [`key ${place}`, 'v']));
const TITLE: Wrong = { number: 5, list: ['a'], long: 'x'.repeat(513) };
const METADATA: Wrong = {
  text: 'a',
  list: ['a'],
  number: { a: 1 },
  null: { a: null },
  many: pairs(17),
  'long-key': { ['k'.repeat(65)]: 'v' },
  'long-value': { a: 'v'.repeat(513) },
};
const ID: Wrong = { number: 5, empty: '', list: [] };
const LENGTH: Wrong = { text: '256', fraction: 256.5, boolean: true, all: 'all' };
const YES: Wrong = { text: 'true', number: 1 };
const TOOLS: Wrong = { object: {}, text: 'a', nameless: [{ type: 'function', function: {} }] };
const MESSAGES: Wrong = { text: 'a', object: {}, null: null };

/** The fields of each route, and what they may not be. */
export const FIELDS: Readonly<Record<string, Readonly<Record<string, Wrong>>>> = {
  create: {
    title: TITLE,
    metadata: METADATA,
    tools: TOOLS,
    messages: MESSAGES,
    model: ID,
    preserve_len: { alone: 256 },
  },
  fork: {
    title: TITLE,
    metadata: METADATA,
    preserve_len: LENGTH,
    snapshot_id: ID,
    model: { beside: 'kimi-k3' },
    tools: { beside: [] },
    messages: { beside: [user('Hello.')] },
  },
  'share-fork': {
    title: TITLE,
    metadata: METADATA,
    preserve_len: LENGTH,
    share_id: ID,
    model: { beside: 'kimi-k3' },
    tools: { beside: [] },
    messages: { beside: [user('Hello.')] },
  },
  title: { title: TITLE },
  metadata: { metadata: METADATA },
  tools: { tools: TOOLS },
  append: {
    role: { unknown: 'robot', number: 5 },
    content: { number: 5, object: {}, nothing: undefined },
    name: { number: 5, list: [] },
    pinned: YES,
  },
  'append-lines': {
    role: { unknown: 'robot', number: 5 },
    content: { number: 5, object: {}, nothing: undefined },
    name: { number: 5, list: [] },
    pinned: YES,
  },
  'append-several': { messages: { ...MESSAGES, none: [], items: ['a'] } },
  pin: { pinned: { ...YES, nothing: undefined, null: null } },
  truncate: { preserve_len: { ...LENGTH, nothing: undefined, null: null }, dry_run: YES },
  compress: {
    ratio: { text: '4', one: 1, beyond: 65, 'little-beyond': 64.01, negative: -2 },
    format: { unknown: 'xml', number: 5 },
    method: { unknown: 'magic' },
    preserve_len: LENGTH,
    dry_run: YES,
  },
  rollback: { snapshot_id: { ...ID, nothing: undefined }, preserve_len: { ...LENGTH, all: 'ALL', word: 'some' } },
  snapshot: { preserve_len: LENGTH, name: TITLE, metadata: METADATA },
  share: { expires_in: { zero: 0, negative: -1, fraction: 1.5, text: 'soon' } },
  chat: { session_id: { number: 5, empty: '' }, messages: { text: 'a', object: {} }, stream: { text: 'yes' } },
};

/** What the refusal blames, beside the field itself: a part of it, or of the message that holds it. */
const blames = (field: string, param: unknown) =>
  typeof param === 'string' && new RegExp(`(?:^|[.\\]])${field}(?:$|[.[])`).test(param);

/** What the check of a wrong field is called. */
export const cellName = (field: string, wrong: string) => `${field.replaceAll('_', '-')}-${wrong}`;

const checkNames = (fields: Readonly<Record<string, Wrong>>) =>
  Object.entries(fields).flatMap(([field, wrong]) => Object.keys(wrong).map((name) => cellName(field, name)));

const ruleOf = (check: string): WireRuleId =>
  /^(?:title|name)-long$/.test(check) ? 'sessions.title-length' : 'errors.session-fields';

function fieldsCase(route: Route, fields: Readonly<Record<string, Wrong>>): Case {
  return defineCase<string>({
    id: `errors.fields-${route.name}`,
    title: `what the fields of ${route.name} may not be`,
    needs: ['sessions', ...GROUND_NEEDS, ...route.needs],
    checks: {
      ...Object.fromEntries(checkNames(fields).map((name) => [name, ruleOf(name)])),
      'nothing-done': 'errors.session-fields',
    },
    cost: () => ({
      requests: 60 + checkNames(fields).length,
      ...(route.chats && { promptTokens: 8_192, completionTokens: 64 }),
    }),
    async run(context) {
      const ground = await layGround(context, route);
      const before = await inventoryOf(context, ground);
      for (const [field, wrong] of Object.entries(fields)) {
        for (const [name, value] of Object.entries(wrong)) {
          await context.check(cellName(field, name), () => judge(context, route, ground, { field, value }));
        }
      }
      await context.check('nothing-done', async () => {
        await expectNothingDone(context, ground, before);
        expectSuccess(await sendRoute(context, route, ground));
      });
    },
  });
}

async function judge(
  context: CaseContext<string>,
  route: Route,
  ground: Ground,
  { field, value }: { field: string; value: unknown },
): Promise<void> {
  const body = JSON.stringify({ ...route.body?.(context, ground), [field]: value });
  const reply = await sendRoute(context, route, ground, { raw: route.lines ? `${body}\n` : body });
  const isWithoutSession = field === 'session_id';
  expectError(reply, 'invalid_request', { bare: isWithoutSession });
  const { param } = (reply.json as { error: { param?: unknown } }).error;
  if (!isWithoutSession && !blames(field, param)) expectError(reply, 'invalid_request', { param: field });
}

export const FIELD_CASES: readonly Case[] = ROUTES.flatMap((route) => {
  const fields = FIELDS[route.name];
  return fields ? [fieldsCase(route, fields)] : [];
});
