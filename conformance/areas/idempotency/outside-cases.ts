import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api, SendOptions } from '../../wire/api.ts';
import { user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';
import { expectMarked, expectSameAnswer, isReplay } from './replays.ts';

/** What names no session is repeated with a key as well, and no key reaches another account. */

const chat = (context: CaseContext<string>, more: object = {}) => ({
  model: context.target.model,
  messages: [user('Reply with the word OK only.')],
  max_tokens: 16 + context.texts.overhead.answer,
  ...more,
});

interface Outside {
  readonly path: string;
  readonly body: (context: CaseContext<string>) => object;
}

/** Requests outside of sessions. */
export const OUTSIDE: Readonly<Record<string, Outside>> = {
  chat: { path: '/chat/completions', body: chat },
  'streamed-chat': {
    path: '/chat/completions',
    body: (context) => chat(context, { stream: true, stream_options: { include_usage: true } }),
  },
  estimate: {
    path: '/tokenizers/estimate-token-count',
    body: ({ target }) => ({ model: target.model, messages: [user('hi')] }),
  },
};

const PARTS: Readonly<Record<string, WireRuleId>> = {
  repeated: 'idempotency.same-answer',
  marked: 'idempotency.replayed-header',
  mismatch: 'idempotency.mismatch',
  'own-account': 'idempotency.per-account',
};

/** A gateway hands a chat that names no session on, with its key. */
const ruleOf = (path: string, part: string, rule: WireRuleId): WireRuleId =>
  path === '/chat/completions' && part !== 'own-account' ? 'idempotency.of-chats' : rule;

export const idempotencyOutside: Case = defineCase<string>({
  id: 'idempotency.outside',
  title: 'keys of requests that name no session',
  needs: ['sessions', 'chat', 'chat.stream', 'tokens.estimate', 'idempotency'],
  twoAccounts: true,
  checks: Object.fromEntries(
    Object.entries(OUTSIDE).flatMap(([name, { path }]) =>
      Object.entries(PARTS).map(([part, rule]) => [`${name}-${part}`, ruleOf(path, part, rule)]),
    ),
  ),
  cost: () => ({ requests: 20, promptTokens: 512, completionTokens: 256 }),
  async run(context) {
    const { api, check, nonce } = context;
    const other = context.secondAccount();
    for (const [name, { path, body }] of Object.entries(OUTSIDE)) {
      const options: SendOptions = { headers: { 'Idempotency-Key': nonce() } };
      const send = (by: Api = api, more: object = {}) => by.post(path, { ...body(context), ...more }, options);
      const first = expectSuccess(await send());
      const again = await send();
      await check(`${name}-repeated`, () => expectSameAnswer(first, again));
      await check(`${name}-marked`, () => expectMarked(first, again));
      await check(`${name}-mismatch`, async () => {
        expectError(await send(api, { x_other: 1 }), 'idempotency_mismatch', { bare: true });
      });
      await check(`${name}-own-account`, async () => {
        expectTrue(!isReplay(expectSuccess(await send(other))), 'another account was given a stored answer');
      });
    }
  },
});
