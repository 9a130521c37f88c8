import { z } from 'zod';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectShape, expectTrue } from '../../core/expect.ts';
import { costOfChats, sendChat } from '../../wire/chat.ts';
import type { Reply } from '../../wire/reply.ts';
import { user } from '../../wire/sessions.ts';

/** The members of a refusal, on every route of the live API. */

const ESTIMATE = '/tokenizers/estimate-token-count';
const UNKNOWN = 'kimi-conformance-no-such-model';

interface Refused {
  needs: Case['needs'];
  ask(context: CaseContext<string>): Promise<Reply>;
}

/** What each route of the live API refuses, besides a chat. */
export const REFUSED = {
  'model-unknown': { needs: ['models'], ask: ({ api }) => api.get(`/models/${UNKNOWN}`) },
  'chat-streamed': {
    needs: ['chat', 'chat.stream'],
    ask: (context) => sendChat(context, { stream: true, messages: [user('')] }),
  },
  'estimate-model': {
    needs: ['tokens.estimate'],
    ask: ({ api }) => api.post(ESTIMATE, { model: UNKNOWN, messages: [user('hi')] }),
  },
  'estimate-field': {
    needs: ['tokens.estimate'],
    ask: ({ api, target }) => api.post(ESTIMATE, { model: target.model, messages: 'hi' }),
  },
  'estimate-no-json': { needs: ['tokens.estimate'], ask: ({ api }) => api.post(ESTIMATE, undefined, { raw: '{' }) },
  'file-unknown': { needs: ['files'], ask: ({ api }) => api.get('/files/kimi-conformance-no-such-file') },
  'balance-no-key': { needs: ['balance'], ask: ({ api }) => api.get('/users/me/balance', { key: null }) },
} as const satisfies Record<string, Refused>;

/** One case for each, since a server may offer some of the routes only. */
export const ENVELOPE_CASES: readonly Case[] = Object.entries(REFUSED).map(([name, { needs, ask }]) =>
  defineCase({
    id: `errors.envelope-${name}`,
    title: `the members of a refusal: ${name}`,
    needs,
    checks: { 'no-code-no-param': 'errors.envelope' },
    cost: costOfChats(1),
    async run(context) {
      const reply = await ask(context);
      await context.check('no-code-no-param', () => expectBare(reply));
    },
  }),
);

/** @throws Mismatch */
export function expectBare({ status, json, what }: Reply): void {
  expectTrue(status >= 400, `${what}: expected a refusal, got ${status}`);
  const { error } = expectShape(z.looseObject({ error: z.looseObject({}) }), json, what);
  expectTrue(
    !('code' in error) && !('param' in error),
    `${what}: an error has a code or a param: ${JSON.stringify(error)}`,
  );
}
