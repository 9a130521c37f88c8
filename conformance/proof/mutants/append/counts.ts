import type { Usage } from '../../../../contract/sessions.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editJson, on } from '../../proxy.ts';
import { listed, type Sent, WRITE } from '../../rewrites.ts';

interface Answer {
  data: { tokens: number }[];
  tokens: number;
  usage: Usage;
}
const answers = (edit: (answer: Answer) => unknown) =>
  on('POST', WRITE, async (_, forward) =>
    editJson(await forward(), (body: Answer) => (Array.isArray(body.data) ? edit(body) : body)),
  );
const FRAME = 4;

export const COUNT_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.usage-of-before',
    area: 'append',
    broken: 'the answer to a write tells the usage before it',
    killedBy: ['append.usage/usage-grows-by-tokens', 'append.message/answer-usage-as-read'],
    handler: () =>
      answers((answer) => ({
        ...answer,
        usage: { ...answer.usage, total_tokens: answer.usage.total_tokens - answer.tokens },
      })),
  },
  {
    id: 'append.frames-uncounted',
    area: 'append',
    broken: 'a write counts the texts of its messages without their frames',
    killedBy: ['append.usage/tokens-of-messages', 'append.usage/as-estimated'],
    handler: () => answers((answer) => ({ ...answer, tokens: answer.tokens - FRAME * answer.data.length })),
  },
  {
    id: 'append.estimate-without-calls',
    area: 'append',
    broken: 'windows count tool calls, and estimates do not',
    killedBy: ['append.usage/as-estimated'],
    handler: () =>
      on('POST', '/v1/tokenizers/estimate-token-count', ({ body }, forward) => {
        const { messages = [], ...rest } = body as { messages?: Sent[] };
        const without = messages.map(({ tool_calls, ...message }) =>
          tool_calls ? { ...message, content: message.content ?? 'none' } : message,
        );
        return forward({ body: { ...rest, messages: without } });
      }),
  },
  {
    id: 'append.usage-not-cut',
    area: 'append',
    broken: 'a cut does not lower the usage',
    killedBy: ['append.laws/usage-is-the-sum'],
    handler: () => {
      const before = new Map<string, unknown>();
      return chain(
        on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
          const response = await forward();
          before.set(id, ((await response.clone().json()) as { before: Usage }).before);
          return response;
        }),
        on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) => {
          const usage = before.get(id);
          before.delete(id);
          return editJson(await forward(), (session: object) => (usage ? { ...session, usage } : session));
        }),
      );
    },
  },
  {
    id: 'append.tools-uncounted',
    area: 'append',
    broken: 'the tools of a session are told, and not counted in the total',
    killedBy: ['append.laws/usage-is-the-sum'],
    handler: () =>
      on('GET', '/v1/sessions/:id', async (_, forward) =>
        editJson(await forward(), ({ usage, ...session }: { usage?: Usage }) => ({
          ...session,
          ...(usage && { usage: { ...usage, total_tokens: usage.total_tokens - usage.tools_tokens } }),
        })),
      ),
  },
  {
    id: 'append.cut-splits-group',
    area: 'append',
    broken: 'a cut may leave a result without its call',
    killedBy: ['append.laws/history-is-sound'],
    handler: () => {
      const cut = new Set<string>();
      return chain(
        on('POST', '/v1/sessions/:id/truncate', ({ ids: [id = ''] }, forward) => {
          cut.add(id);
          return forward();
        }),
        (request, forward) => {
          const id = request.path.split('/')[3] ?? '';
          if (!cut.has(id)) return forward();
          return listed((messages) => {
            const place = messages.findIndex((message) => message.tool_calls && message.pinned === false);
            return messages.filter((_, index) => index !== place);
          })(request, forward);
        },
      );
    },
  },
];
