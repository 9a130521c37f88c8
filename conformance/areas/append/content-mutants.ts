import { LIVE_TEXT } from '../../../contract/errors.ts';
import type { Usage } from '../../../contract/sessions.ts';
import { mutantsOf } from '../../proof/mutant.ts';
import { chain, editJson, on } from '../../proof/proxy.ts';
import {
  codeOf,
  editListed,
  editTexts,
  editWrites,
  type Message,
  messagesOf,
  refusal,
  WRITE,
  windowAt,
} from '../../proof/sessions.ts';

const mutant = mutantsOf('append');

const answers = (edit: (body: never) => unknown) =>
  on('POST', WRITE, async (_, forward) => editJson(await forward(), edit));

const shown = (edit: (message: Message) => Message) =>
  chain(
    editListed((messages) => messages.map(edit)),
    answers(({ data, ...answer }: { data?: Message[] }) => (data ? { ...answer, data: data.map(edit) } : answer)),
  );

export const CONTENT_MUTANTS = [
  mutant('not-unicode', 'text is stored in an encoding of one byte')
    .caughtBy('append.content/han-exact')
    .proxy(() => editTexts((text) => text.replace(/[\u0100-\uffff]/g, '?'))),
  mutant('basic-plane-only', 'text is stored without characters beyond the basic plane')
    .caughtBy('append.content/emoji-exact')
    .proxy(() => editTexts((text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd'))),
  mutant('normalised', 'text is stored normalised')
    .caughtBy('append.content/combining-exact')
    .proxy(() => editTexts((text) => text.normalize('NFC'))),
  mutant('line-ends', 'lines are stored with one kind of end')
    .caughtBy('append.content/line-ends-exact')
    .proxy(() => editTexts((text) => text.replace(/\r\n?/g, '\n'))),
  mutant('trimmed', 'text is stored without blanks around it')
    .caughtBy('append.content/blanks-exact', 'append.content/only-blanks-exact')
    .proxy(() => editTexts((text) => text.trim())),
  mutant('controls-dropped', 'text is stored up to its first NUL')
    .caughtBy('append.content/controls-exact')
    .proxy(() => editTexts((text) => text.replace(/\0.*/s, ''))),
  mutant('markers-dropped', 'what looks like a marker of the template is taken out')
    .caughtBy('append.content/markers-exact')
    .proxy(() => editTexts((text) => text.replace(/<\|\w+\|>/g, ''))),
  mutant('parts-joined', 'content in parts comes back as one text')
    .caughtBy('append.content/parts-exact')
    .proxy(() =>
      editWrites((messages) =>
        messages.map(({ content, ...message }) => ({
          ...message,
          content: Array.isArray(content) ? content.map(({ text }) => text).join('') : content,
        })),
      ),
    ),
  mutant('newest-first', 'a window is listed newest first')
    .caughtBy('append.atomic/order-kept', 'append.system-messages/late-in-place')
    .proxy(() => editListed((messages) => messages.toReversed())),
  mutant('prepends', 'what is written later stands in front')
    .caughtBy('append.atomic/order-kept')
    .proxy(() => editListed((messages) => [...messages.slice(-1), ...messages.slice(0, -1)])),
  mutant('replaces-the-last', 'a write takes the place of the message before it')
    .caughtBy('append.atomic/order-kept')
    .proxy(() => editListed((messages) => [...messages.slice(0, -2), ...messages.slice(-1)])),
  mutant('role-changed', 'system messages behind others become those of a user')
    .caughtBy('append.system-messages/late-role')
    .proxy(() =>
      editListed((messages) =>
        messages.map((message, index) =>
          index > 0 && message.role === 'system' ? { ...message, role: 'user' } : message,
        ),
      ),
    ),
  mutant('system-first-only', 'system messages are accepted at the beginning only')
    .caughtBy('append.system-messages/late-accepted')
    .proxy(() => {
      const begun = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const isLate = begun.has(id) && JSON.stringify(body).includes('"role":"system"');
        begun.add(id);
        return isLate ? Promise.resolve(refusal('invalid_request')) : forward();
      });
    }),
  mutant('name-dropped', 'the name of a message is not stored')
    .caughtBy('append.message/fields-kept')
    .proxy(() => editWrites((messages) => messages.map(({ name, ...message }) => message as Message))),
  mutant('answer-without-usage', 'the answer to a write does not say what is used')
    .caughtBy('append.message/answer-shape')
    .proxy(() => answers(({ usage, ...answer }: { usage?: object }) => answer)),
  mutant('answer-other-ids', 'the messages of the answer have ids that the window does not know')
    .caughtBy('append.message/answer-as-listed')
    .proxy(() =>
      answers(({ data = [], ...answer }: { data?: Message[] }) => ({
        ...answer,
        data: data.map((message) => ({ ...message, id: `${message.id}0` })),
      })),
    ),
  mutant('flags-left-out', 'a listed message has no flags where they are false')
    .caughtBy('append.message/message-shape')
    .proxy(() =>
      editListed((messages) =>
        messages.map(
          (message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== false)) as Message,
        ),
      ),
    ),
  mutant('shared-ids', 'all messages of a write have the same id')
    .caughtBy('append.message/message-ids')
    .proxy(() => shown((message) => ({ ...message, id: `msg_of_${message.session_id}` }))),
  mutant('milliseconds', 'messages tell their time in milliseconds')
    .caughtBy('append.message/message-session')
    .proxy(() => shown((message) => ({ ...message, created_at: 1_000 * Number(message.created_at) }))),
  mutant('system-as-summary', 'every system message is taken for a summary')
    .caughtBy('append.message/message-flags')
    .proxy(() => shown((message) => ({ ...message, summary: message.role === 'system' }))),
];

interface Answer {
  data: { tokens: number }[];
  tokens: number;
  usage: Usage;
}

const answersCounts = (edit: (answer: Answer) => unknown) =>
  on('POST', WRITE, async (_, forward) =>
    editJson(await forward(), (body: Answer) => (Array.isArray(body.data) ? edit(body) : body)),
  );

const FRAME = 4;

export const COUNT_MUTANTS = [
  mutant('usage-of-before', 'the answer to a write has the usage before it')
    .caughtBy('append.usage/usage-grows-by-tokens', 'append.message/answer-usage-as-read')
    .proxy(() =>
      answersCounts((answer) => ({
        ...answer,
        usage: { ...answer.usage, total_tokens: answer.usage.total_tokens - answer.tokens },
      })),
    ),
  mutant('frames-uncounted', 'a write counts the texts of its messages without their frames')
    .caughtBy('append.usage/tokens-of-messages', 'append.usage/as-estimated')
    .proxy(() => answersCounts((answer) => ({ ...answer, tokens: answer.tokens - FRAME * answer.data.length }))),
  mutant('estimate-without-calls', 'windows count tool calls, and estimates do not')
    .caughtBy('append.usage/as-estimated')
    .proxy(() =>
      on('POST', '/v1/tokenizers/estimate-token-count', ({ body }, forward) => {
        const { messages = [], ...rest } = body as { messages?: Message[] };
        const without = messages.map(({ tool_calls, ...message }) =>
          tool_calls ? { ...message, content: message.content ?? 'none' } : message,
        );
        return forward({ body: { ...rest, messages: without } });
      }),
    ),
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
    .proxy(() =>
      on('GET', '/v1/sessions/:id', async (_, forward) =>
        editJson(await forward(), ({ usage, ...session }: { usage?: Usage }) => ({
          ...session,
          ...(usage && { usage: { ...usage, total_tokens: usage.total_tokens - usage.tools_tokens } }),
        })),
      ),
    ),
  mutant('cut-splits-group', 'a cut may leave a result without its call')
    .caughtBy('append.laws/history-is-sound')
    .proxy(() => {
      const cut = new Set<string>();
      return chain(
        on('POST', '/v1/sessions/:id/truncate', ({ ids: [id = ''] }, forward) => {
          cut.add(id);
          return forward();
        }),
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

const isEmpty = ({ content, tool_calls }: Message) =>
  !tool_calls && !(Array.isArray(content) ? content[0]?.text : content);

/** Ids of calls that wait behind these messages. */
function waiting(messages: readonly Message[]): string[] {
  let open: string[] = [];
  for (const message of messages) {
    open = [...open.filter((id) => id !== message.tool_call_id), ...callsOf(message)];
  }
  return open;
}

function answersInTurn(window: readonly Message[], written: readonly Message[]): boolean {
  return written.every((message, index) => {
    const open = waiting([...window, ...written.slice(0, index)]);
    return message.role !== 'tool' || !open.includes(String(message.tool_call_id)) || open[0] === message.tool_call_id;
  });
}

export const PAIRING_MUTANTS = [
  mutant('orphan-accepted', 'the result of no call is accepted, as a message of a user')
    .caughtBy(
      'append.tool-results/orphan-refused',
      'append.tool-results/orphan-named',
      'append.tool-results/open-refuses-strangers',
      'append.atomic/last-bad-stores-none',
    )
    .proxy(() =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'tool_result_orphan') return response;
        const messages = messagesOf(body) ?? [];
        return forward({ body: { messages: messages.map(({ content }) => ({ role: 'user', content })) } });
      }),
    ),
  mutant('result-twice-accepted', 'a second result of a call is taken, and forgotten')
    .caughtBy('append.tool-results/answered-twice-refused')
    .proxy(() => {
      const answers = new Map<string, string>();
      return on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const response = await forward();
        const [first] = (messagesOf(body) ?? []).map(({ tool_call_id }) => `${id} ${tool_call_id}`);
        const known = first === undefined ? undefined : answers.get(first);
        if (known !== undefined && response.status === 400) return new Response(known, { status: 200 });
        const text = await response.clone().text();
        for (const { tool_call_id } of messagesOf(body) ?? []) answers.set(`${id} ${tool_call_id}`, text);
        return response;
      });
    }),
  mutant('pairing-unnamed', 'errors about tool calls do not name their ids')
    .caughtBy('append.tool-results/orphan-named', 'append.tool-results/open-named')
    .proxy(() =>
      on('POST', WRITE, async (_, forward) => {
        const response = await forward();
        if (!(await codeOf(response))?.startsWith('tool_')) return response;
        return editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: `Invalid request: ${LIVE_TEXT.toolCallIdNotFound}` },
        }));
      }),
    ),
  mutant('open-calls-dropped', 'calls that wait are answered by the server as soon as anything else is written')
    .caughtBy(
      'append.tool-results/open-refuses-others',
      'append.tool-results/open-refuses-calls',
      'append.atomic/middle-bad-stores-none',
    )
    .proxy(() =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
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
    ),
  mutant('results-in-turn-only', 'parallel calls have to be answered in their order')
    .caughtBy('append.tool-results/any-order-accepted')
    .proxy(() =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const inTurn = answersInTurn(await windowAt(forward, id), messagesOf(body) ?? []);
        return inTurn ? forward() : refusal('tool_result_orphan', 'Invalid request: another call comes first');
      }),
    ),
  mutant('results-apart-only', 'a result is looked for among the calls of earlier writes only')
    .caughtBy('append.tool-results/one-write-accepted')
    .proxy(() =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const open = waiting(await windowAt(forward, id));
        const orphan = (messagesOf(body) ?? []).find(
          ({ role, tool_call_id }) => role === 'tool' && !open.includes(String(tool_call_id)),
        );
        return orphan ? refusal('tool_result_orphan', `Invalid request: ${orphan.tool_call_id}`) : forward();
      }),
    ),
  mutant('results-together-only', 'results that come in several writes leave the calls open')
    .caughtBy('append.tool-results/goes-on-after')
    .proxy(() => {
      const stuck = new Set<string>();
      return on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const messages = messagesOf(body) ?? [];
        if (stuck.has(id) && messages[0]?.role !== 'tool') {
          return refusal('tool_call_unanswered', 'Invalid request: tool call call_b waits for its result');
        }
        const newest = (await windowAt(forward, id)).at(-1);
        const response = await forward();
        if (response.status < 300 && newest?.role === 'tool' && messages[0]?.role === 'tool') stuck.add(id);
        return response;
      });
    }),
  mutant('ids-used-up', 'the id of a call can be used once in the life of a session')
    .caughtBy('append.call-ids/again-accepted')
    .proxy(() => {
      const used = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const calls = (messagesOf(body) ?? []).flatMap(callsOf).map((call) => `${id} ${call}`);
        if (calls.some((call) => used.has(call))) return Promise.resolve(refusal('invalid_request'));
        for (const call of calls) used.add(call);
        return forward();
      });
    }),
  mutant('ids-twice-at-once', 'two open calls may have the same id')
    .caughtBy('append.call-ids/twice-at-once-refused')
    .proxy(() =>
      editWrites((messages) =>
        messages.map((message) => {
          const calls = new Map(((message.tool_calls ?? []) as { id: string }[]).map((call) => [call.id, call]));
          return message.tool_calls ? { ...message, tool_calls: [...calls.values()] } : message;
        }),
      ),
    ),
  mutant('empty-accepted', 'messages that say nothing are accepted')
    .caughtBy(
      'append.empty/text-refused',
      'append.empty/parts-refused',
      'append.empty/null-refused',
      'append.empty/absent-refused',
      'append.empty/among-others-refused',
      'append.empty/result-refused',
    )
    .proxy(() => editWrites((messages) => messages.map((each) => (isEmpty(each) ? { ...each, content: ' ' } : each)))),
  mutant('calls-need-text', 'a message that only calls tools is refused as empty')
    .caughtBy('append.empty/calls-accepted')
    .proxy(() =>
      on('POST', WRITE, ({ body }, forward) => {
        const isSilent = (messagesOf(body) ?? []).some(({ role, content }) => role === 'assistant' && !content);
        return isSilent ? Promise.resolve(refusal('invalid_request', LIVE_TEXT.contentEmpty)) : forward();
      }),
    ),
];
