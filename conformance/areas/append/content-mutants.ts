import type { Usage } from '../../../contract/sessions.ts';
import { mutantsOf } from '../../proof/mutant.ts';
import type { Handler } from '../../proof/proxy.ts';
import { chain, editJson, on } from '../../proof/proxy.ts';
import { codeOf, editListed, type Message, messagesOf, noteRequests, WRITE, windowAt } from '../../proof/sessions.ts';

const mutant = mutantsOf('append', { answers, answersCounts, shown });

function answers(edit: (body: never) => unknown): Handler {
  return on('POST', WRITE, async (_, forward) => editJson(await forward(), edit));
}

function shown(edit: (message: Message) => Message): Handler {
  return chain(
    editListed((messages) => messages.map(edit)),
    answers(({ data, ...answer }: { data?: Message[] }) => (data ? { ...answer, data: data.map(edit) } : answer)),
  );
}

export const CONTENT_MUTANTS = [
  mutant('newest-first', 'a window is listed newest first')
    .caughtBy('append.atomic/order-kept')
    .editListed((messages) => messages.toReversed()),
  mutant('prepends', 'what is written later stands in front')
    .caughtBy('append.atomic/order-kept')
    .editListed((messages) => [...messages.slice(-1), ...messages.slice(0, -1)]),
  mutant('replaces-the-last', 'a write takes the place of the message before it')
    .caughtBy('append.atomic/order-kept')
    .editListed((messages) => [...messages.slice(0, -2), ...messages.slice(-1)]),
  mutant('name-dropped', 'the name of a message is not stored')
    .caughtBy('append.message/fields-kept')
    .editWrites((messages) => messages.map(({ name, ...message }) => message as Message)),
  mutant('answer-without-usage', 'the answer to a write does not say what is used')
    .caughtBy('append.message/answer-shape')
    .answers(({ usage, ...answer }: { usage?: object }) => answer),
  mutant('answer-other-ids', 'the messages of the answer have ids that the window does not know')
    .caughtBy('append.message/answer-as-listed')
    .answers(({ data = [], ...answer }: { data?: Message[] }) => ({
      ...answer,
      data: data.map((message) => ({ ...message, id: `${message.id}0` })),
    })),
  mutant('flags-left-out', 'a listed message has no flags where they are false')
    .caughtBy('append.message/message-shape')
    .editListed((messages) =>
      messages.map(
        (message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== false)) as Message,
      ),
    ),
  mutant('shared-ids', 'all messages of a write have the same id')
    .caughtBy('append.message/message-ids')
    .shown((message) => ({ ...message, id: `msg_of_${message.session_id}` })),
  mutant('milliseconds', 'messages tell their time in milliseconds')
    .caughtBy('append.message/message-session')
    .shown((message) => ({ ...message, created_at: 1_000 * Number(message.created_at) })),
  mutant('system-as-summary', 'every system message is taken for a summary')
    .caughtBy('append.message/message-flags')
    .shown((message) => ({ ...message, summary: message.role === 'system' })),
];

interface Answer {
  data: { tokens: number }[];
  tokens: number;
  usage: Usage;
}

function answersCounts(edit: (answer: Answer) => unknown): Handler {
  return on('POST', WRITE, async (_, forward) =>
    editJson(await forward(), (body: Answer) => (Array.isArray(body.data) ? edit(body) : body)),
  );
}

export const COUNT_MUTANTS = [
  mutant('usage-of-before', 'the answer to a write has the usage before it')
    .caughtBy('append.message/answer-usage-as-read')
    .answersCounts((answer) => ({
      ...answer,
      usage: { ...answer.usage, total_tokens: answer.usage.total_tokens - answer.tokens },
    })),
  mutant('usage-not-cut', 'a cut does not lower the usage')
    .caughtBy('append.laws/usage-is-the-sum')
    .proxy(() => {
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
    }),
  mutant('tools-uncounted', 'the tools of a session are listed but not counted in the total')
    .caughtBy('append.laws/usage-is-the-sum')
    .on('GET', '/v1/sessions/:id', async (_, forward) =>
      editJson(await forward(), ({ usage, ...session }: { usage?: Usage }) => ({
        ...session,
        ...(usage && { usage: { ...usage, total_tokens: usage.total_tokens - usage.tools_tokens } }),
      })),
    ),
  mutant('cut-splits-group', 'a cut may leave a result without its call')
    .caughtBy('append.laws/history-is-sound')
    .proxy(() => {
      const cut = new Set<string>();
      return chain(
        noteRequests('POST', '/v1/sessions/:id/truncate', ({ ids: [id = ''] }) => cut.add(id)),
        (request, forward) => {
          const id = request.path.split('/')[3] ?? '';
          if (!cut.has(id)) return forward();
          return editListed((messages) => {
            const place = messages.findIndex((message) => message.tool_calls && message.pinned === false);
            return messages.filter((_, index) => index !== place);
          })(request, forward);
        },
      );
    }),
];

const callsOf = (message: Message) => ((message.tool_calls ?? []) as { id: string }[]).map(({ id }) => id);

/** Ids of calls that wait behind these messages. */
function waiting(messages: readonly Message[]): string[] {
  let open: string[] = [];
  for (const message of messages) {
    open = [...open.filter((id) => id !== message.tool_call_id), ...callsOf(message)];
  }
  return open;
}

export const PAIRING_MUTANTS = [
  mutant('orphan-accepted', 'the result of no call is accepted, as a message of a user')
    .caughtBy('append.atomic/last-bad-stores-none')
    .on('POST', WRITE, async ({ body }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'tool_result_orphan') return response;
      const messages = messagesOf(body) ?? [];
      return forward({ body: { messages: messages.map(({ content }) => ({ role: 'user', content })) } });
    }),
  mutant('open-calls-dropped', 'calls that wait are answered by the server as soon as anything else is written')
    .caughtBy('append.atomic/middle-bad-stores-none')
    .on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'tool_call_unanswered') return response;
      const messages = messagesOf(body) ?? [];
      const calls = [...waiting(await windowAt(forward, id)), ...messages.flatMap(callsOf)];
      const others = messages.filter(({ role, tool_calls }) => role !== 'tool' && !tool_calls);
      const cancelled = calls.map((call) => ({ role: 'tool', tool_call_id: call, content: 'cancelled' }));
      await forward({ body: { messages: [...messages.filter(({ tool_calls }) => tool_calls), ...cancelled] } });
      await forward({ body: { messages: cancelled } });
      return forward({ body: { messages: others.length > 0 ? others : [{ role: 'user', content: 'go on' }] } });
    }),
];
