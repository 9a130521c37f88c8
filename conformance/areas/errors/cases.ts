import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import type { Send } from '../../wire/api.ts';
import { chats, complete, refusedChat, send, soundUsage } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';
import { stranger } from '../../wire/strangers.ts';
import { tooLarge } from '../../wire/too-large.ts';

/** Bodies are judged where nothing is charged for them. */
const ROUTE = '/tokenizers/estimate-token-count';

/** How the refusal of a large body begins. */
const SIZE_TEXT = 'total message size';

function raw(trial: Trial<string>, body: string, headers: Record<string, string> = {}): Promise<Reply> {
  const sent: Send = { raw: body, headers };
  return trial.api.post(ROUTE, undefined, sent);
}

function invalid(reply: Reply): string {
  return refused(reply, 'invalid_request', { bare: true });
}

const errorsBodies = defineCase({
  id: 'errors.bodies',
  title: 'what is no JSON is refused',
  needs: ['tokens.estimate'],
  checks: {
    'broken-refused': 'errors.no-json',
    'bytes-refused': 'errors.no-json',
    'other-type-refused': 'errors.content-type',
    'whole-accepted': 'tokens.estimate',
  },
  cost: () => ({ requests: 5 }),
  async run(trial) {
    const whole = JSON.stringify({ model: trial.target.model, messages: [user('hi')] });
    await trial.check('broken-refused', async () => {
      for (const body of [whole.slice(0, -1), `${whole}}`]) invalid(await raw(trial, body));
    });
    await trial.check('bytes-refused', async () => {
      const bytes = Buffer.concat([Buffer.from(whole.slice(0, -5)), Buffer.from([0xff]), Buffer.from(whole.slice(-5))]);
      invalid(await trial.api.post(ROUTE, undefined, { raw: bytes }));
    });
    await trial.check('other-type-refused', async () => {
      invalid(await raw(trial, whole, { 'Content-Type': 'text/plain' }));
    });
    await trial.check('whole-accepted', async () => succeeded(await raw(trial, whole)));
  },
});

const errorsSizes = defineCase({
  id: 'errors.sizes',
  title: 'a body of the largest size is read, a larger one refused',
  needs: ['tokens.estimate'],
  checks: {
    'largest-accepted': 'errors.body-size',
    'larger-refused': 'errors.body-size',
    'size-first': 'errors.size-first',
    'deeper-refused': 'errors.json-depth',
    'deepest-accepted': 'errors.json-depth',
    'more-values-refused': 'errors.json-values',
    'most-messages-accepted': 'errors.request-messages',
    'more-messages-refused': 'errors.request-messages',
  },
  cost: () => ({ requests: 9 }),
  async run(trial) {
    const { body_bytes, json_depth, json_values, request_messages } = trial.limits;
    const { model } = trial.target;
    const messages = [user('hi')];
    const estimate = async (body: object) => trial.api.post(ROUTE, { model, messages, ...body });
    /** A request of so many bytes; what fills it up is a field that nobody knows. */
    const sized = (bytes: number) => {
      const frame = JSON.stringify({ model, messages, filler: '' });
      return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
    };
    await trial.check('larger-refused', async () => {
      tooLarge(await raw(trial, sized(body_bytes + 1)), body_bytes + 1, body_bytes);
    });
    await trial.check('size-first', async () => {
      tooLarge(await raw(trial, '['.repeat(body_bytes + 1)), body_bytes + 1, body_bytes);
      const small = invalid(await raw(trial, '['));
      holds(!small.startsWith(SIZE_TEXT), `a body of one byte is said to be too large: ${small}`);
    });
    await trial.check('largest-accepted', async () => succeeded(await raw(trial, sized(body_bytes))));
    /** The body is one level, the field's value the others. */
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels - 1) + ']'.repeat(levels - 1));
    await trial.check('deeper-refused', async () => invalid(await estimate({ filler: nested(json_depth + 1) })));
    await trial.check('deepest-accepted', async () => succeeded(await estimate({ filler: nested(json_depth) })));
    await trial.check('more-values-refused', async () =>
      invalid(await estimate({ filler: Array(json_values).fill(0) })),
    );
    const many = (count: number) => estimate({ messages: Array.from({ length: count }, () => user('a')) });
    await trial.check('more-messages-refused', async () => {
      const message = invalid(await many(request_messages + 1));
      holds(message.includes('messages'), `the field is not named: ${message}`);
    });
    await trial.check('most-messages-accepted', async () => succeeded(await many(request_messages)));
  },
});

const JSON_TYPE = /^application\/json *(?:; *charset=utf-8)?$/i;

const NO_ROUTE = '/conformance-no-such-route';

interface Answers {
  successes: Reply[];
  errors: Reply[];
}

/** Answers of every kind that costs nothing. */
async function answersOf({ api }: Trial<string>): Promise<Answers> {
  return {
    successes: [await api.get('/models')],
    errors: [await api.post('/chat/completions', {}), await api.get(NO_ROUTE), await api.get('/models', { key: null })],
  };
}

const errorsHeaders = defineCase({
  id: 'errors.headers',
  title: 'what every answer and every error carries',
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
  async run(trial) {
    const { successes, errors } = await answersOf(trial);
    const all = [...successes, ...errors];
    const header = (name: string) => all.map(({ what, headers }) => ({ what, value: headers.get(name) ?? '' }));
    const named = (replies: Reply[]) => {
      for (const { what, headers } of replies) holds(!!headers.get('msh-request-id'), `${what}: no Msh-Request-Id`);
    };
    await trial.check('request-id', () => named(successes));
    await trial.check('request-id-of-errors', () => named(errors));
    await trial.check('request-ids-differ', () => {
      equal(new Set(header('msh-request-id').map(({ value }) => value)).size, all.length, 'different request ids');
    });
    await trial.check('json-type', () => {
      for (const { what, value } of header('content-type')) {
        holds(JSON_TYPE.test(value), `${what}: the content type is ${value}`);
      }
    });
    await trial.check('should-retry', () => {
      for (const { what, headers } of errors) equal(headers.get('x-should-retry'), 'false', `${what}: x-should-retry`);
    });
    await trial.check('server-timing', () => {
      for (const { what, value } of header('server-timing')) holds(/dur=\d/.test(value), `${what}: no Server-Timing`);
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
  title: 'a route that does not exist',
  needs: ['models'],
  checks: {
    'body-exact': 'errors.unknown-route',
    'request-named': 'errors.unknown-route',
    'other-method': 'errors.unknown-route',
    'known-answered': 'models.list',
  },
  cost: () => ({ requests: 4 }),
  async run(trial) {
    const { api } = trial;
    const unknown = (reply: Reply) => {
      equal(reply.status, 404, `${reply.what}: the status`);
      return shaped(UnknownRoute, reply.json, reply.what);
    };
    await trial.check('body-exact', async () => unknown(await api.get(NO_ROUTE)));
    await trial.check('request-named', async () => {
      const { method, url } = unknown(await api.post(NO_ROUTE, {}));
      equal(method, 'POST', 'method');
      holds(url.endsWith(NO_ROUTE), `url: ${NO_ROUTE} is said to be ${url}`);
    });
    await trial.check('other-method', async () => unknown(await api.delete('/models')));
    await trial.check('known-answered', async () => succeeded(await api.get('/models')));
  },
});

const errorsHostedAgents = defineCase({
  id: 'errors.hosted-agents',
  title: 'what asks for Hosted Agents is told that they are not here',
  needs: ['models'],
  checks: { refused: 'errors.hosted-agents', 'without-accepted': 'errors.hosted-agents' },
  cost: () => ({ requests: 3 }),
  async run(trial) {
    const headers = { 'kimi-api-version': '2026-09-01' };
    await trial.check('refused', async () => {
      for (const path of ['/models', '/sessions']) {
        const message = refused(await trial.api.get(path, { headers }), 'invalid_request', { bare: true });
        holds(/hosted agents/i.test(message), `Hosted Agents are not named: ${message}`);
      }
    });
    await trial.check('without-accepted', async () => succeeded(await trial.api.get('/models')));
  },
});

const NO_KEY: Send = { key: null };

/** What an Authorization may look like that holds no bearer key. */
const MALFORMED = ['Bearer', 'Bearer ', 'Basic c2stdGVzdDo=', 'sk-kimi-conformance'];

const UNKNOWN_KEY = 'sk-kimi-conformance-nobody-has-this-key';

/** From outside, a server that lets anybody in looks like one that forgot to look: the user has to say which it is. */
const LET_IN =
  'GET /v1/models: a key that nobody was given is let in; a server that lets anybody in is judged without KIMI_API_KEY (in code: with anyKey)';

const errorsKeys = defineCase({
  id: 'errors.keys',
  title: 'who has no key, or a wrong one, is not let in',
  needs: ['chat', 'models'],
  checks: {
    'no-key-refused': 'errors.no-key',
    'chat-without-key-refused': 'errors.no-key',
    'malformed-refused': 'errors.malformed-key',
    'unknown-refused': 'errors.unknown-key',
    'no-key-row': 'errors.key-rows',
    'unknown-key-row': 'errors.key-rows',
    'key-first': 'errors.key-first',
    'own-key-accepted': 'errors.no-key',
  },
  cost: () => ({ requests: 12, promptTokens: 64, completionTokens: 8 }),
  async run(trial) {
    const { api } = trial;
    await trial.check('no-key-refused', async () => stranger(await api.get('/models', NO_KEY)));
    await trial.check('chat-without-key-refused', async () => stranger(await chatOf(trial, NO_KEY)));
    await trial.check('malformed-refused', async () => {
      for (const Authorization of MALFORMED) {
        stranger(await api.get('/models', { key: null, headers: { Authorization } }));
      }
    });
    await trial.check('no-key-row', async () => stranger(await api.get('/models', NO_KEY), 'invalid_authentication'));
    const unknown = await api.get('/models', { key: UNKNOWN_KEY });
    // A target that gives keys away, or takes invented ones, lets anybody in.
    const mayLetIn = trial.target.newKey !== undefined || trial.target.anyKey === true;
    const refusesUnknown = (code?: 'incorrect_api_key') => {
      if (unknown.status >= 300) return stranger(unknown, code);
      holds(mayLetIn, LET_IN);
    };
    await trial.check('unknown-refused', () => refusesUnknown());
    await trial.check('unknown-key-row', () => refusesUnknown('incorrect_api_key'));
    await trial.check('key-first', async () => {
      stranger(await api.post('/chat/completions', undefined, { key: null, raw: '{' }));
      stranger(await api.get('/conformance-no-such-route', NO_KEY));
    });
    await trial.check('own-key-accepted', async () => succeeded(await api.get('/models')));
  },
});

function chatOf(trial: Trial<string>, send: Send): Promise<Reply> {
  const { model } = trial.target;
  return trial.api.post('/chat/completions', { model, messages: [user('Hello')], max_tokens: 8 }, send);
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
  title: 'the refusals of a chat, in the live words',
  needs: ['chat'],
  checks: {
    'model-not-found': 'errors.model-not-found',
    'content-empty': 'errors.content-empty',
    'earlier-content-empty': 'errors.content-empty',
    'wrong-field-named': 'errors.invalid-request',
    'no-code-no-param': 'errors.envelope',
    'next-accepted': 'chat.completion',
  },
  cost: chats(11),
  async run(trial) {
    await trial.check('model-not-found', async () => {
      const message = refused(await send(trial, { model: UNKNOWN }), 'model_not_found');
      equal(message, LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await trial.check('content-empty', async () => {
      equal(refused(await send(trial, { messages: EMPTY }), 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
    });
    await trial.check('earlier-content-empty', async () => {
      const messages = [...EMPTY, user('Hello')];
      equal(refused(await send(trial, { messages }), 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
    });
    await trial.check('wrong-field-named', async () => {
      for (const [field, body] of Object.entries(WRONG)) {
        const message = await refusedChat(trial, body);
        holds(message.startsWith('Invalid request: '), `the message begins otherwise: ${message}`);
        holds(message.includes(field), `${field} is wrong, and not named: ${message}`);
      }
    });
    await trial.check('no-code-no-param', async () => {
      for (const body of [{ model: UNKNOWN }, { messages: EMPTY }, { temperature: 'hot' }]) {
        const { json, what } = await send(trial, body);
        const { error } = shaped(z.looseObject({ error: z.looseObject({}) }), json, what);
        holds(!('code' in error) && !('param' in error), `an error has a code or a param: ${JSON.stringify(error)}`);
      }
    });
    await trial.check('next-accepted', () => complete(trial));
  },
});

const errorsWindow = defineCase({
  id: 'errors.window',
  title: 'more than the window is refused in the live words',
  needs: ['chat'],
  checks: { 'text-exact': 'errors.window', 'sum-requested': 'errors.window-requested', 'next-accepted': 'chat.window' },
  cost: ({ window_tokens }) => chats(2, { completionTokens: window_tokens + 64 })(),
  async run(trial) {
    const { window_tokens } = trial.limits;
    const most = window_tokens + 1;
    const message = refused(await send(trial, { max_tokens: most }), 'context_window_exceeded', { bare: true });
    const [, limit, requested] = WINDOW_TEXT.exec(message) ?? [];
    await trial.check('text-exact', () => {
      holds(limit !== undefined, `the message is worded otherwise: ${message}`);
      equal(Number(limit), window_tokens, 'the window that the message names');
    });
    let prompt = 0;
    await trial.need('next-accepted', async () => {
      prompt = soundUsage((await complete(trial)).usage, 'usage').prompt_tokens;
    });
    await trial.check('sum-requested', () => equal(Number(requested), prompt + most, 'the tokens requested'));
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
];
