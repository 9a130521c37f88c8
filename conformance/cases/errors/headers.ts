import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import type { Reply } from '../../wire/reply.ts';

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

export const errorsHeaders = defineCase({
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

export const errorsRoute = defineCase({
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

export const errorsHostedAgents = defineCase({
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
