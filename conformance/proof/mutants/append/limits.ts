import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editJson, type Handler, on } from '../../proxy.ts';
import { codeOf, joined, messagesOf, refusal, type Sent, saying, texts, WRITE, writes } from '../../rewrites.ts';

const limit = SMALL_LIMITS.append_tokens;
/** A server that knows the limit wrongly. */
const knows = (append_tokens: number): Pick<Mutant, 'handler' | 'options'> => ({
  options: () => ({ limits: { ...SMALL_LIMITS, append_tokens } }),
  handler: () => saying({ append_tokens: limit }, { append_tokens }),
});
const oneMore = (text: string) => `${text} table`;

export const LIMIT_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.limit-refused',
    area: 'append',
    broken: 'a write of exactly the limit is refused',
    killedBy: ['append.limit/exact-accepted', 'append.limit-whole/sum-accepted'],
    handler: () => texts(oneMore),
  },
  {
    id: 'append.limit-and-one-accepted',
    area: 'append',
    broken: 'a write of one token over the limit is accepted',
    killedBy: [
      'append.limit/over-refused',
      'append.limit/over-changes-nothing',
      'append.limit-whole/sum-over-refused',
      'append.limit-whole/create-over-refused',
    ],
    ...knows(limit + 1),
  },
  {
    id: 'append.limit-in-characters',
    area: 'append',
    broken: 'the limit of a write counts characters',
    killedBy: ['append.limit-in-tokens/many-characters-accepted', 'append.limit-in-tokens/few-characters-refused'],
    options: () => ({ limits: { ...SMALL_LIMITS, append_tokens: 16 * limit } }),
    handler: () =>
      chain(
        saying({ append_tokens: limit }, {}),
        on('POST', WRITE, ({ body }, forward) => {
          const characters = (messagesOf(body) ?? []).map(({ content }) => String(content).length);
          return characters.some((count) => count > limit) ? Promise.resolve(refusal('append_too_large')) : forward();
        }),
      ),
  },
  {
    id: 'append.oversize-cut',
    area: 'append',
    broken: 'what is over the limit is cut silently, and the rest written',
    killedBy: ['append.limit/over-refused', 'append.limit/over-named'],
    handler: () => retried('append_too_large', ({ content, ...rest }) => ({ ...rest, content: half(content) })),
  },
  {
    id: 'append.refused-cut-stored',
    area: 'append',
    broken: 'a write over the limit is refused, and as much of it stored as fits',
    killedBy: ['append.limit/over-changes-nothing'],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const [message] = messagesOf(body) ?? [];
        if (message && (await codeOf(response)) === 'append_too_large') {
          await forward({ body: { ...message, content: half(message.content) } });
        }
        return response;
      }),
  },
  {
    id: 'append.limit-per-message',
    area: 'append',
    broken: 'the limit holds for each message of a write by itself',
    killedBy: ['append.limit-whole/sum-over-refused'],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const messages = messagesOf(body) ?? [];
        if (messages.length < 2 || (await codeOf(response)) !== 'append_too_large') return response;
        return joined(await Promise.all(messages.map((message) => forward({ body: message }))));
      }),
  },
  {
    id: 'append.create-unlimited',
    area: 'append',
    broken: 'the messages of a new session are not under the limit of a write',
    killedBy: ['append.limit-whole/create-over-refused'],
    handler: () =>
      on('POST', '/v1/sessions', async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'append_too_large') return response;
        const { messages = [], ...rest } = body as { messages?: Sent[] };
        const created = await forward({ body: rest });
        const { id } = (await created.clone().json()) as { id: string };
        for (const message of messages) await forward({ path: `/v1/sessions/${id}/messages`, body: message });
        return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
      }),
  },
  {
    id: 'append.create-limit-refused',
    area: 'append',
    broken: 'a session cannot be created with a write of exactly the limit',
    killedBy: ['append.limit-whole/create-accepted'],
    handler: () =>
      on('POST', '/v1/sessions', ({ body }, forward) => {
        const { messages, ...rest } = body as { messages?: Sent[] };
        if (!messages) return forward();
        const longer = messages.map((message) => ({ ...message, content: oneMore(String(message.content)) }));
        return forward({ body: { ...rest, messages: longer } });
      }),
  },
  {
    id: 'append.limit-unnamed',
    area: 'append',
    broken: 'the refusal of too large a write names no numbers',
    killedBy: ['append.limit/over-named'],
    handler: () =>
      on('POST', WRITE, async (_, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'append_too_large') return response;
        return editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: 'Invalid request: the write is too large' },
        }));
      }),
  },
  {
    id: 'append.refusal-locks',
    area: 'append',
    broken: 'after a refused write the session stays busy',
    killedBy: ['append.limit/accepted-after'],
    handler: () => {
      const locked = new Set<string>();
      return on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
        if (locked.has(id)) return refusal('session_busy');
        const response = await forward();
        if ((await codeOf(response)) === 'append_too_large') locked.add(id);
        return response;
      });
    },
  },
  {
    id: 'append.content-cut',
    area: 'append',
    broken: 'content is stored up to a thousand characters',
    killedBy: ['append.limit/exact-stored-whole'],
    handler: () =>
      on('GET', WRITE, async (_, forward) =>
        editJson(await forward(), ({ data = [], ...page }: { data?: Sent[] }) => ({
          ...page,
          data: data.map((message) => ({ ...message, content: String(message.content).slice(0, 1_000) })),
        })),
      ),
  },
  {
    id: 'append.messages-uncounted',
    area: 'append',
    broken: 'a write of any number of messages is looked at, however many are allowed',
    killedBy: ['append.request-messages/one-more-refused'],
    handler: () => writes((messages) => messages.slice(0, 2_048)),
  },
  {
    id: 'append.messages-one-less',
    area: 'append',
    broken: 'a write of the most messages that are allowed is refused for their number',
    killedBy: ['append.request-messages/most-not-refused-for-it'],
    handler: () => writes((messages) => (messages.length > 2 ? [...messages, ...messages.slice(-1)] : messages)),
  },
];

function half(content: unknown): string {
  const text = String(content);
  return text.slice(0, Math.floor(text.length / 2));
}

/** Where a write of one message is refused for `code`, it is written changed. */
function retried(code: string, change: (message: Sent) => object): Handler {
  return on('POST', WRITE, async ({ body }, forward) => {
    const response = await forward();
    const [message] = messagesOf(body) ?? [];
    return message && (await codeOf(response)) === code ? forward({ body: change(message) }) : response;
  });
}
