import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import {
  expectBodyTooLarge,
  expectEqual,
  expectError,
  expectShape,
  expectSuccess,
  expectTrue,
  expectUnauthenticated,
} from '../../core/expect.ts';
import type { SendOptions } from '../../wire/api.ts';
import { completeChat, costOfChats, expectChatError, expectUsage, sendChat } from '../../wire/chat.ts';
import type { Reply } from '../../wire/reply.ts';
import { user } from '../../wire/sessions.ts';
import { ENVELOPE_CASES, expectBare } from './envelope-cases.ts';
import { FIELD_CASES } from './field-cases.ts';
import { GATE_CASES } from './gate-cases.ts';

/** Bodies are judged where nothing is charged for them. */
const ROUTE = '/tokenizers/estimate-token-count';

/** How the refusal of a large body begins. */
const SIZE_TEXT = 'total message size';

function raw(context: CaseContext<string>, body: string, headers: Record<string, string> = {}): Promise<Reply> {
  const sent: SendOptions = { raw: body, headers };
  return context.api.post(ROUTE, undefined, sent);
}

function invalid(reply: Reply): string {
  return expectError(reply, 'invalid_request', { bare: true });
}

const errorsBodies = defineCase({
  id: 'errors.bodies',
  title: 'a body that is not JSON is refused',
  needs: ['tokens.estimate'],
  checks: {
    'broken-refused bytes-refused': 'errors.no-json',
    'other-type-refused': 'errors.content-type',
    'whole-accepted': 'tokens.estimate',
  },
  cost: () => ({ requests: 5 }),
  async run({ api, target, check }, context) {
    const whole = JSON.stringify({ model: target.model, messages: [user('hi')] });
    await check('broken-refused', async () => {
      for (const body of [whole.slice(0, -1), `${whole}}`]) invalid(await raw(context, body));
    });
    await check('bytes-refused', async () => {
      const bytes = Buffer.concat([Buffer.from(whole.slice(0, -5)), Buffer.from([0xff]), Buffer.from(whole.slice(-5))]);
      invalid(await api.post(ROUTE, undefined, { raw: bytes }));
    });
    await check('other-type-refused', async () => invalid(await raw(context, whole, { 'Content-Type': 'text/plain' })));
    await check('whole-accepted', async () => expectSuccess(await raw(context, whole)));
  },
});

const errorsSizes = defineCase({
  id: 'errors.sizes',
  title: 'a body of the largest size is read, a larger one refused',
  needs: ['tokens.estimate'],
  checks: {
    'largest-accepted larger-refused': 'errors.body-size',
    'size-first': 'errors.size-first',
    'deeper-refused deepest-accepted': 'errors.json-depth',
    'more-values-refused': 'errors.json-values',
    'most-messages-accepted more-messages-refused': 'errors.request-messages',
  },
  cost: () => ({ requests: 9 }),
  async run({ api, limits, target, check }, context) {
    const { body_bytes, json_depth, json_values, request_messages } = limits;
    const { model } = target;
    const messages = [user('hi')];
    const estimate = async (body: object) => api.post(ROUTE, { model, messages, ...body });
    /** A request of so many bytes; what fills it up is a field that nobody knows. */
    const sized = (bytes: number) => {
      const frame = JSON.stringify({ model, messages, filler: '' });
      return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
    };
    await check('larger-refused', async () => {
      expectBodyTooLarge(await raw(context, sized(body_bytes + 1)), body_bytes + 1, body_bytes);
    });
    await check('size-first', async () => {
      expectBodyTooLarge(await raw(context, '['.repeat(body_bytes + 1)), body_bytes + 1, body_bytes);
      const small = invalid(await raw(context, '['));
      expectTrue(!small.startsWith(SIZE_TEXT), `a body of one byte is said to be too large: ${small}`);
    });
    await check('largest-accepted', async () => expectSuccess(await raw(context, sized(body_bytes))));
    /** The body is one level, the field's value the others. */
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels - 1) + ']'.repeat(levels - 1));
    await check('deeper-refused', async () => invalid(await estimate({ filler: nested(json_depth + 1) })));
    await check('deepest-accepted', async () => expectSuccess(await estimate({ filler: nested(json_depth) })));
    await check('more-values-refused', async () => invalid(await estimate({ filler: Array(json_values).fill(0) })));
    const many = (count: number) => estimate({ messages: Array.from({ length: count }, () => user('a')) });
    await check('more-messages-refused', async () => {
      const message = invalid(await many(request_messages + 1));
      expectTrue(message.includes('messages'), `the field is not named: ${message}`);
    });
    await check('most-messages-accepted', async () => expectSuccess(await many(request_messages)));
  },
});

const JSON_TYPE = /^application\/json *(?:; *charset=utf-8)?$/i;

const NO_ROUTE = '/conformance-no-such-route';

interface Answers {
  successes: Reply[];
  errors: Reply[];
}

/** Answers of every kind that costs nothing. */
async function answersOf({ api }: CaseContext<string>): Promise<Answers> {
  return {
    successes: [await api.get('/models')],
    errors: [await api.post('/chat/completions', {}), await api.get(NO_ROUTE), await api.get('/models', { key: null })],
  };
}

const errorsHeaders = defineCase({
  id: 'errors.headers',
  title: 'the headers of answers and errors',
  needs: ['chat', 'models'],
  checks: {
    'request-id': 'errors.request-id',
    'request-id-of-errors': 'errors.request-id-of-errors',
    'request-ids-differ': 'errors.request-ids-differ',
    'json-type': 'errors.json-type',
    'should-retry': 'errors.should-retry',
    'server-timing': 'errors.server-timing',
  },
  cost: () => ({ requests: 4 }),
  async run({ check }, context) {
    const { successes, errors } = await answersOf(context);
    const all = [...successes, ...errors];
    const header = (name: string) => all.map(({ what, headers }) => ({ what, value: headers.get(name) ?? '' }));
    const named = (replies: Reply[]) => {
      for (const { what, headers } of replies)
        expectTrue(!!headers.get('msh-request-id'), `${what}: no Msh-Request-Id`);
    };
    await check('request-id', () => named(successes));
    await check('request-id-of-errors', () => named(errors));
    await check('request-ids-differ', () => {
      expectEqual(
        new Set(header('msh-request-id').map(({ value }) => value)).size,
        all.length,
        'different request ids',
      );
    });
    await check('json-type', () => {
      for (const { what, value } of header('content-type')) {
        expectTrue(JSON_TYPE.test(value), `${what}: the content type is ${value}`);
      }
    });
    await check('should-retry', () => {
      for (const { what, headers } of errors)
        expectEqual(headers.get('x-should-retry'), 'false', `${what}: x-should-retry`);
    });
    await check('server-timing', () => {
      for (const { what, value } of header('server-timing'))
        expectTrue(/dur=\d/.test(value), `${what}: no Server-Timing`);
    });
  },
});

const UnknownRoute = z.object({
  code: z.literal(5),
  error: z.literal('url.not_found'),
  message: z.literal('没找到对象'),
  method: z.string(),
  scode: z.literal('0x5'),
  status: z.literal(false),
  ua: z.string(),
  url: z.string(),
});

const errorsRoute = defineCase({
  id: 'errors.route',
  title: 'an unknown route',
  needs: ['models'],
  checks: { 'body-exact request-named other-method': 'errors.unknown-route', 'known-answered': 'models.list' },
  cost: () => ({ requests: 4 }),
  async run({ api, check }) {
    const unknown = (reply: Reply) => {
      expectEqual(reply.status, 404, `${reply.what}: the status`);
      return expectShape(UnknownRoute, reply.json, reply.what);
    };
    await check('body-exact', async () => unknown(await api.get(NO_ROUTE)));
    await check('request-named', async () => {
      const { method, url } = unknown(await api.post(NO_ROUTE, {}));
      expectEqual(method, 'POST', 'method');
      expectTrue(url.endsWith(NO_ROUTE), `url: ${NO_ROUTE} is said to be ${url}`);
    });
    await check('other-method', async () => unknown(await api.delete('/models')));
    await check('known-answered', async () => expectSuccess(await api.get('/models')));
  },
});

const errorsHostedAgents = defineCase({
  id: 'errors.hosted-agents',
  title: 'requests for Hosted Agents are refused',
  needs: ['models'],
  checks: { 'refused without-accepted': 'errors.hosted-agents' },
  cost: () => ({ requests: 3 }),
  async run({ api, check }) {
    const headers = { 'kimi-api-version': '2026-09-01' };
    await check('refused', async () => {
      for (const path of ['/models', '/sessions']) {
        const message = expectError(await api.get(path, { headers }), 'invalid_request', { bare: true });
        expectTrue(/hosted agents/i.test(message), `Hosted Agents are not named: ${message}`);
      }
    });
    await check('without-accepted', async () => expectSuccess(await api.get('/models')));
  },
});

const NO_KEY: SendOptions = { key: null };

/** What an Authorization may look like that holds no bearer key. */
const MALFORMED = ['Bearer', 'Bearer ', 'Basic c2stdGVzdDo=', 'sk-kimi-conformance'];

const UNKNOWN_KEY = 'sk-kimi-conformance-nobody-has-this-key';

/** From outside, a server that lets anybody in looks like one that forgot to look: the user has to say which it is. */
const LET_IN =
  'GET /v1/models: a key that nobody was given is let in; a server that lets anybody in is judged without KIMI_API_KEY (in code: with anyKey)';

const errorsKeys = defineCase({
  id: 'errors.keys',
  title: 'a missing or wrong key is refused',
  needs: ['chat', 'models'],
  checks: {
    'no-key-refused chat-without-key-refused': 'errors.no-key',
    'malformed-refused': 'errors.malformed-key',
    'unknown-refused': 'errors.unknown-key',
    'no-key-row unknown-key-row': 'errors.key-rows',
    'key-first': 'errors.key-first',
    'own-key-accepted': 'errors.no-key',
  },
  cost: () => ({ requests: 12, promptTokens: 64, completionTokens: 8 }),
  async run({ api, target, check }, context) {
    await check('no-key-refused', async () => expectUnauthenticated(await api.get('/models', NO_KEY)));
    await check('chat-without-key-refused', async () => expectUnauthenticated(await chatOf(context, NO_KEY)));
    await check('malformed-refused', async () => {
      for (const Authorization of MALFORMED) {
        expectUnauthenticated(await api.get('/models', { key: null, headers: { Authorization } }));
      }
    });
    await check('no-key-row', async () => expectUnauthenticated(await api.get('/models', NO_KEY), 'incorrect_api_key'));
    const unknown = await api.get('/models', { key: UNKNOWN_KEY });
    // A target that gives keys away, or takes invented ones, lets anybody in.
    const mayLetIn = target.newKey !== undefined || target.anyKey === true;
    const refusesUnknown = (code?: 'invalid_authentication') => {
      if (unknown.status >= 300) return expectUnauthenticated(unknown, code);
      expectTrue(mayLetIn, LET_IN);
    };
    await check('unknown-refused', () => refusesUnknown());
    await check('unknown-key-row', () => refusesUnknown('invalid_authentication'));
    await check('key-first', async () => {
      expectUnauthenticated(await api.post('/chat/completions', undefined, { key: null, raw: '{' }));
      expectUnauthenticated(await api.get('/conformance-no-such-route', NO_KEY));
    });
    await check('own-key-accepted', async () => expectSuccess(await api.get('/models')));
  },
});

function chatOf(context: CaseContext<string>, send: SendOptions): Promise<Reply> {
  const { model } = context.target;
  return context.api.post('/chat/completions', { model, messages: [user('Hello')], max_tokens: 8 }, send);
}

const UNKNOWN = 'kimi-conformance-no-such-model';

const EMPTY = [user('')];

const WINDOW_TEXT = /^Invalid request: Your request exceeded model token limit: (\d+) \(requested: (\d+)\)$/;

/** What is wrong with a request, by the field that is to be named. */
const WRONG: Record<string, object> = {
  temperature: { temperature: 'hot' },
  messages: { messages: 'Hello' },
  max_tokens: { max_tokens: 1.5 },
  stop: { stop: 7 },
};

const errorsRows = defineCase({
  id: 'errors.rows',
  title: "the errors of a chat with Kimi's texts",
  needs: ['chat'],
  checks: {
    'model-not-found': 'errors.model-not-found',
    'content-empty earlier-content-empty': 'errors.content-empty',
    'wrong-field-named': 'errors.invalid-request',
    'no-code-no-param': 'errors.envelope',
    'next-accepted': 'chat.completion',
  },
  cost: costOfChats(11),
  async run({ check }, context) {
    await check('model-not-found', async () => {
      const message = expectError(await sendChat(context, { model: UNKNOWN }), 'model_not_found');
      expectEqual(message, LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await check('content-empty', async () => {
      expectEqual(
        expectError(await sendChat(context, { messages: EMPTY }), 'content_empty'),
        LIVE_TEXT.contentEmpty,
        'the message',
      );
    });
    await check('earlier-content-empty', async () => {
      const messages = [...EMPTY, user('Hello')];
      expectEqual(
        expectError(await sendChat(context, { messages }), 'content_empty'),
        LIVE_TEXT.contentEmpty,
        'the message',
      );
    });
    await check('wrong-field-named', async () => {
      for (const [field, body] of Object.entries(WRONG)) {
        const message = await expectChatError(context, body);
        expectTrue(message.startsWith('Invalid request: '), `the message begins otherwise: ${message}`);
        expectTrue(message.includes(field), `${field} is wrong, and not named: ${message}`);
      }
    });
    await check('no-code-no-param', async () => {
      for (const body of [{ model: UNKNOWN }, { messages: EMPTY }, { temperature: 'hot' }]) {
        expectBare(await sendChat(context, body));
      }
    });
    await check('next-accepted', () => completeChat(context));
  },
});

const errorsWindow = defineCase({
  id: 'errors.window',
  title: "a request over the window is refused with Kimi's text",
  needs: ['chat'],
  checks: {
    'text-exact': 'errors.window',
    'sum-requested': 'errors.window-requested',
    'next-accepted': 'chat.window',
  },
  cost: ({ window_tokens }) => costOfChats(2, { completionTokens: window_tokens + 64 })(),
  async run({ limits, check, require }, context) {
    const { window_tokens } = limits;
    const most = window_tokens + 1;
    const message = expectError(await sendChat(context, { max_tokens: most }), 'context_window_exceeded', {
      bare: true,
    });
    const [, limit, requested] = WINDOW_TEXT.exec(message) ?? [];
    await check('text-exact', () => {
      expectTrue(limit !== undefined, `the message is worded otherwise: ${message}`);
      expectEqual(Number(limit), window_tokens, 'the window that the message names');
    });
    let prompt = 0;
    await require('next-accepted', async () => {
      prompt = expectUsage((await completeChat(context)).usage, 'usage').prompt_tokens;
    });
    await check('sum-requested', () => expectEqual(Number(requested), prompt + most, 'the tokens requested'));
  },
});

export const ERRORS_CASES: readonly Case[] = [
  errorsKeys,
  errorsRows,
  errorsWindow,
  errorsBodies,
  errorsSizes,
  errorsHeaders,
  errorsRoute,
  errorsHostedAgents,
  ...ENVELOPE_CASES,
  ...GATE_CASES,
  ...FIELD_CASES,
];
