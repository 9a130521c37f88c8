import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue, expectUnauthenticated } from '../../core/expect.ts';
import { expectNothingDone, inventoryOf } from '../../tables/inventory.ts';
import {
  CHAT_COST,
  GROUND_NEEDS,
  type Ground,
  layGround,
  notFound,
  READ_ROUTES,
  ROUTES,
  type Route,
  sendRoute,
  unknownGround,
} from '../../tables/routes.ts';
import type { SendOptions } from '../../wire/api.ts';
import type { Reply } from '../../wire/reply.ts';
import { user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';

/** What every request meets before its own route: on each route, and in the order of the contract. */

/** One route, as far as its gates need to know it. */
interface Gated {
  readonly name: string;
  readonly needs: Case['needs'];
  readonly cost: object;
  /** Whether it takes a body. */
  readonly takes: boolean;
  /** Its refusals have a code and are of the dialect. */
  readonly coded: boolean;
  readonly route?: Route;
  send(context: CaseContext<string>, ground: Ground | undefined, options: SendOptions): Promise<Reply>;
}

const changes: readonly Gated[] = ROUTES.map((route) => ({
  name: route.name,
  needs: [...GROUND_NEEDS, ...route.needs],
  cost: route.chats ? CHAT_COST : {},
  takes: route.body !== undefined,
  coded: true,
  route,
  send: (context, ground, options) => sendRoute(context, route, ground as Ground, options),
}));

const READS: readonly Gated[] = READ_ROUTES.map((route) => ({
  name: route.name,
  needs: [...GROUND_NEEDS, ...route.needs],
  cost: {},
  takes: false,
  coded: true,
  route,
  send: ({ api }, ground, options) => api.get(route.path(ground as Ground), options),
}));

const live = (
  name: string,
  needs: Case['needs'],
  path: string | ((context: CaseContext<string>) => string),
  body?: (context: CaseContext<string>) => object,
): Gated => ({
  name,
  needs,
  cost: body ? { promptTokens: 64, completionTokens: 64 } : {},
  takes: body !== undefined,
  coded: false,
  send(context, _, options) {
    const at = typeof path === 'string' ? path : path(context);
    return body ? context.api.post(at, body(context), options) : context.api.get(at, options);
  },
});

const chat =
  (more: object) =>
  ({ target, texts }: CaseContext<string>) => ({
    model: target.model,
    messages: [user('Reply with the word OK only.')],
    max_tokens: 16 + texts.overhead.answer,
    ...more,
  });

/** The routes of the live API. */
const LIVE: readonly Gated[] = [
  live('models', ['models'], '/models'),
  live('model', ['models'], ({ target }) => `/models/${target.model}`),
  live('files', ['files'], '/files'),
  live('balance', ['balance'], '/users/me/balance'),
  live('outside-chat', ['chat'], '/chat/completions', chat({})),
  live('outside-streamed-chat', ['chat', 'chat.stream'], '/chat/completions', chat({ stream: true })),
  live('estimate', ['tokens.estimate'], '/tokenizers/estimate-token-count', ({ target }) => ({
    model: target.model,
    messages: [user('hi')],
  })),
];

export const GATED: readonly Gated[] = [...LIVE, ...READS, ...changes];

/** Bodies that are not an object. Lines each hold one. */
const NO_OBJECT = ['[]', '[{"preserve_len":256}]', '"text"', '7', 'true'];
const HOSTED = { 'kimi-api-version': '2026-09-01' };
const MALFORMED_KEY = { key: null, headers: { Authorization: 'Basic c2stdGVzdDo=' } };

/** What a chat meets before it is known whether it names a session. */
const UNREAD: readonly string[] = ['no-json', 'no-object', 'key-first', 'request-id'];

/** Which rule each gate is of: that of the live API, or that of the dialect. */
function ruleOf(gate: string, { coded, route }: Gated): WireRuleId {
  if (route?.chats && UNREAD.includes(gate)) return 'errors.unread-chats';
  return coded ? 'errors.session-gates' : gate === 'no-key' ? 'errors.no-key' : 'errors.gates';
}

export function gateNames({ takes, route }: Gated): string[] {
  return [
    'no-key',
    'request-id',
    'hosted-agents',
    ...(takes ? ['no-json', 'no-object', 'key-first'] : []),
    ...(takes && route?.names && !route.chats ? ['body-before-existence'] : []),
    ...(route?.versioned ? ['existence-before-version'] : []),
  ];
}

function gateCase(gated: Gated): Case {
  const { name, needs, cost, coded, route, send } = gated;
  const names = gateNames(gated);
  return defineCase<string>({
    id: `errors.gates-${name}`,
    title: `what ${name} meets before it is looked at`,
    needs: [...needs, ...(coded ? (['sessions'] as const) : [])],
    checks: Object.fromEntries(names.map((gate) => [gate, ruleOf(gate, gated)])),
    cost: () => ({ requests: 60, ...cost }),
    async run(context) {
      const ground = coded ? await layGround(context, { needs: [], ...route } as Route) : undefined;
      const before = ground && (await inventoryOf(context, ground));
      const refused: Reply[] = [];
      const ask = async (options: SendOptions, at = ground) => {
        const reply = await send(context, at, options);
        refused.push(reply);
        return reply;
      };
      const check = async (gate: string, judge: () => Promise<unknown>) => {
        if (!names.includes(gate)) return;
        await context.check(gate, async () => {
          await judge();
          if (ground && before) await expectNothingDone(context, ground, before);
        });
      };
      const lines = route?.lines ? '\n' : '';
      // A chat that cannot be read names no session.
      const invalid = (reply: Reply) =>
        expectError(reply, 'invalid_request', { bare: !coded || route?.chats === true });
      await check('no-key', async () => {
        expectUnauthenticated(await ask({ key: null }));
        expectUnauthenticated(await ask(MALFORMED_KEY));
      });
      await check('key-first', async () => {
        for (const body of ['{', '{}']) expectUnauthenticated(await ask({ key: null, raw: body + lines }));
      });
      await check('no-json', async () => void invalid(await ask({ raw: `{"a": ${lines}` })));
      await check('no-object', async () => {
        for (const body of NO_OBJECT) invalid(await ask({ raw: `${body}${lines}` }));
      });
      await check('hosted-agents', async () => {
        expectError(await ask({ headers: HOSTED }), 'invalid_request', { bare: true });
      });
      await check('body-before-existence', async () => {
        if (ground) invalid(await ask({ raw: `{"a": ${lines}` }, unknownGround(ground)));
      });
      await check('existence-before-version', async () => {
        if (!ground || !route) return;
        const headers = { 'If-Match': '"999999"' };
        expectError(await ask({ headers }, unknownGround(ground)), notFound(route).code);
      });
      await context.check('request-id', async () => {
        const answered = await send(context, ground, {});
        expectSuccess(answered);
        const ids = [...refused, answered].map(({ headers }) => headers.get('msh-request-id') ?? '');
        expectTrue(!ids.includes(''), `${answered.what}: an answer without Msh-Request-Id`);
        expectEqual(new Set(ids).size, ids.length, 'different request ids');
        for (const { what, status, headers } of refused) {
          expectTrue(status < 400 || headers.get('x-should-retry') === 'false', `${what}: x-should-retry is not false`);
        }
      });
    },
  });
}

export const GATE_CASES: readonly Case[] = GATED.map(gateCase);
