import { LIVE_TEXT } from '../../../contract/errors.ts';
import { MODEL_ID } from '../../../contract/models.ts';
import type { Usage } from '../../../contract/sessions.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { chain, editJson, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import {
  codeOf,
  countOf,
  joined,
  listed,
  messagesOf,
  overlapping,
  refusal,
  type Sent,
  sessionAt,
  texts,
  WRITE,
  windowAt,
  writes,
} from '../../proof/rewrites.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('append');

const answers = (edit: (body: never) => unknown) =>
  on('POST', WRITE, async (_, forward) => editJson(await forward(), edit));

const shown = (edit: (message: Sent) => Sent) =>
  chain(
    listed((messages) => messages.map(edit)),
    answers(({ data, ...answer }: { data?: Sent[] }) => (data ? { ...answer, data: data.map(edit) } : answer)),
  );

const CONTENT_MUTANTS = [
  mutant('not-unicode', 'text is stored in an encoding of one byte')
    .caughtBy('append.content/han-exact')
    .proxy(() => texts((text) => text.replace(/[\u0100-\uffff]/g, '?'))),
  mutant('basic-plane-only', 'text is stored without characters beyond the basic plane')
    .caughtBy('append.content/emoji-exact')
    .proxy(() => texts((text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd'))),
  mutant('normalised', 'text is stored normalised')
    .caughtBy('append.content/combining-exact')
    .proxy(() => texts((text) => text.normalize('NFC'))),
  mutant('line-ends', 'lines are stored with one kind of end')
    .caughtBy('append.content/line-ends-exact')
    .proxy(() => texts((text) => text.replace(/\r\n?/g, '\n'))),
  mutant('trimmed', 'text is stored without blanks around it')
    .caughtBy('append.content/blanks-exact', 'append.content/only-blanks-exact')
    .proxy(() => texts((text) => text.trim())),
  mutant('controls-dropped', 'text is stored up to its first NUL')
    .caughtBy('append.content/controls-exact')
    .proxy(() => texts((text) => text.replace(/\0.*/s, ''))),
  mutant('markers-dropped', 'what looks like a marker of the template is taken out')
    .caughtBy('append.content/markers-exact')
    .proxy(() => texts((text) => text.replace(/<\|\w+\|>/g, ''))),
  mutant('parts-joined', 'content in parts comes back as one text')
    .caughtBy('append.content/parts-exact')
    .proxy(() =>
      writes((messages) =>
        messages.map(({ content, ...message }) => ({
          ...message,
          content: Array.isArray(content) ? content.map(({ text }) => text).join('') : content,
        })),
      ),
    ),
  mutant('newest-first', 'a window is listed newest first')
    .caughtBy('append.atomic/order-kept', 'append.system-messages/late-in-place')
    .proxy(() => listed((messages) => messages.toReversed())),
  mutant('prepends', 'what is written later stands in front')
    .caughtBy('append.atomic/order-kept')
    .proxy(() => listed((messages) => [...messages.slice(-1), ...messages.slice(0, -1)])),
  mutant('replaces-the-last', 'a write takes the place of the message before it')
    .caughtBy('append.atomic/order-kept')
    .proxy(() => listed((messages) => [...messages.slice(0, -2), ...messages.slice(-1)])),
  mutant('role-changed', 'system messages behind others become those of a user')
    .caughtBy('append.system-messages/late-role')
    .proxy(() =>
      listed((messages) =>
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
    .proxy(() => writes((messages) => messages.map(({ name, ...message }) => message as Sent))),
  mutant('answer-without-usage', 'the answer to a write does not say what is used')
    .caughtBy('append.message/answer-shape')
    .proxy(() => answers(({ usage, ...answer }: { usage?: object }) => answer)),
  mutant('answer-other-ids', 'the messages of the answer have ids that the window does not know')
    .caughtBy('append.message/answer-as-listed')
    .proxy(() =>
      answers(({ data = [], ...answer }: { data?: Sent[] }) => ({
        ...answer,
        data: data.map((message) => ({ ...message, id: `${message.id}0` })),
      })),
    ),
  mutant('flags-left-out', 'a listed message has no flags where they are false')
    .caughtBy('append.message/message-shape')
    .proxy(() =>
      listed((messages) =>
        messages.map(
          (message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== false)) as Sent,
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

const COUNT_MUTANTS = [
  mutant('usage-of-before', 'the answer to a write tells the usage before it')
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
        const { messages = [], ...rest } = body as { messages?: Sent[] };
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
  mutant('tools-uncounted', 'the tools of a session are told, and not counted in the total')
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
          return listed((messages) => {
            const place = messages.findIndex((message) => message.tool_calls && message.pinned === false);
            return messages.filter((_, index) => index !== place);
          })(request, forward);
        },
      );
    }),
];

const limit = SMALL_LIMITS.append_tokens;

const oneMore = (text: string) => `${text} table`;

const LIMIT_MUTANTS = [
  mutant('limit-refused', 'a write of exactly the limit is refused')
    .caughtBy('append.limit/exact-accepted', 'append.limit-whole/sum-accepted')
    .proxy(() => texts(oneMore)),
  mutant('limit-and-one-accepted', 'a write of one token over the limit is accepted')
    .caughtBy(
      'append.limit/over-refused',
      'append.limit/over-changes-nothing',
      'append.limit-whole/sum-over-refused',
      'append.limit-whole/create-over-refused',
    )
    .limits({ append_tokens: limit + 1 }),
  mutant('limit-in-characters', 'the limit of a write counts characters')
    .caughtBy('append.limit-in-tokens/many-characters-accepted', 'append.limit-in-tokens/few-characters-refused')
    .limits({ append_tokens: 16 * limit }, () =>
      on('POST', WRITE, ({ body }, forward) => {
        const characters = (messagesOf(body) ?? []).map(({ content }) => String(content).length);
        return characters.some((count) => count > limit) ? Promise.resolve(refusal('append_too_large')) : forward();
      }),
    ),
  mutant('oversize-cut', 'what is over the limit is cut silently, and the rest written')
    .caughtBy('append.limit/over-refused', 'append.limit/over-named')
    .proxy(() => retried('append_too_large', ({ content, ...rest }) => ({ ...rest, content: half(content) }))),
  mutant('refused-cut-stored', 'a write over the limit is refused, and as much of it stored as fits')
    .caughtBy('append.limit/over-changes-nothing')
    .proxy(() =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const [message] = messagesOf(body) ?? [];
        if (message && (await codeOf(response)) === 'append_too_large') {
          await forward({ body: { ...message, content: half(message.content) } });
        }
        return response;
      }),
    ),
  mutant('limit-per-message', 'the limit holds for each message of a write by itself')
    .caughtBy('append.limit-whole/sum-over-refused')
    .proxy(() =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const messages = messagesOf(body) ?? [];
        if (messages.length < 2 || (await codeOf(response)) !== 'append_too_large') return response;
        return joined(await Promise.all(messages.map((message) => forward({ body: message }))));
      }),
    ),
  mutant('create-unlimited', 'the messages of a new session are not under the limit of a write')
    .caughtBy('append.limit-whole/create-over-refused')
    .proxy(() =>
      on('POST', '/v1/sessions', async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'append_too_large') return response;
        const { messages = [], ...rest } = body as { messages?: Sent[] };
        const created = await forward({ body: rest });
        const { id } = (await created.clone().json()) as { id: string };
        for (const message of messages) await forward({ path: `/v1/sessions/${id}/messages`, body: message });
        return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
      }),
    ),
  mutant('create-limit-refused', 'a session cannot be created with a write of exactly the limit')
    .caughtBy('append.limit-whole/create-accepted')
    .proxy(() =>
      on('POST', '/v1/sessions', ({ body }, forward) => {
        const { messages, ...rest } = body as { messages?: Sent[] };
        if (!messages) return forward();
        const longer = messages.map((message) => ({ ...message, content: oneMore(String(message.content)) }));
        return forward({ body: { ...rest, messages: longer } });
      }),
    ),
  mutant('limit-unnamed', 'the refusal of too large a write names no numbers')
    .caughtBy('append.limit/over-named')
    .proxy(() =>
      on('POST', WRITE, async (_, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'append_too_large') return response;
        return editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: 'Invalid request: the write is too large' },
        }));
      }),
    ),
  mutant('refusal-locks', 'after a refused write the session stays busy')
    .caughtBy('append.limit/accepted-after')
    .proxy(() => {
      const locked = new Set<string>();
      return on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
        if (locked.has(id)) return refusal('session_busy');
        const response = await forward();
        if ((await codeOf(response)) === 'append_too_large') locked.add(id);
        return response;
      });
    }),
  mutant('content-cut', 'content is stored up to a thousand characters')
    .caughtBy('append.limit/exact-stored-whole')
    .proxy(() =>
      on('GET', WRITE, async (_, forward) =>
        editJson(await forward(), ({ data = [], ...page }: { data?: Sent[] }) => ({
          ...page,
          data: data.map((message) => ({ ...message, content: String(message.content).slice(0, 1_000) })),
        })),
      ),
    ),
  mutant('messages-uncounted', 'a write of any number of messages is looked at, however many are allowed')
    .caughtBy('append.request-messages/one-more-refused')
    .proxy(() => writes((messages) => messages.slice(0, 2_048))),
  mutant('messages-one-less', 'a write of the most messages that are allowed is refused for their number')
    .caughtBy('append.request-messages/most-not-refused-for-it')
    .proxy(() => writes((messages) => (messages.length > 2 ? [...messages, ...messages.slice(-1)] : messages))),
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

const callsOf = (message: Sent) => ((message.tool_calls ?? []) as { id: string }[]).map(({ id }) => id);

const isEmpty = ({ content, tool_calls }: Sent) =>
  !tool_calls && !(Array.isArray(content) ? content[0]?.text : content);

/** Ids of calls that wait behind these messages. */
function waiting(messages: readonly Sent[]): string[] {
  let open: string[] = [];
  for (const message of messages) {
    open = [...open.filter((id) => id !== message.tool_call_id), ...callsOf(message)];
  }
  return open;
}

function answersInTurn(window: readonly Sent[], written: readonly Sent[]): boolean {
  return written.every((message, index) => {
    const open = waiting([...window, ...written.slice(0, index)]);
    return message.role !== 'tool' || !open.includes(String(message.tool_call_id)) || open[0] === message.tool_call_id;
  });
}

const PAIRING_MUTANTS = [
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
  mutant('pairing-unnamed', 'what is wrong with tool calls is told without their ids')
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
      writes((messages) =>
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
    .proxy(() => writes((messages) => messages.map((each) => (isEmpty(each) ? { ...each, content: ' ' } : each)))),
  mutant('calls-need-text', 'a message that only calls tools is refused as empty')
    .caughtBy('append.empty/calls-accepted')
    .proxy(() =>
      on('POST', WRITE, ({ body }, forward) => {
        const isSilent = (messagesOf(body) ?? []).some(({ role, content }) => role === 'assistant' && !content);
        return isSilent ? Promise.resolve(refusal('invalid_request', LIVE_TEXT.contentEmpty)) : forward();
      }),
    ),
];

const window = SMALL_LIMITS.window_tokens;

const overflown = (meet: (id: string, forward: Forward, response: Response) => Promise<Response>): Handler =>
  on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
    const response = await forward();
    return (await codeOf(response)) === 'context_window_exceeded' ? meet(id, forward, response) : response;
  });

const dropOldest = (forward: Forward, id: string, preserve_len: number) =>
  forward({ path: `/v1/sessions/${id}/truncate`, body: { preserve_len } });

const WINDOW_MUTANTS = [
  mutant('window-and-one-accepted', 'a window takes one token more than it may')
    .caughtBy('append.window/one-more-refused')
    .limits({ window_tokens: window + 1 }),
  mutant('window-refused', 'a window cannot be filled to its last token')
    .caughtBy('append.window/exact-accepted')
    .limits({ window_tokens: window - 1 }),
  mutant('window-drops-oldest', 'a full window drops its oldest messages and accepts')
    .caughtBy('append.window/one-more-refused', 'append.window/one-more-changes-nothing')
    .proxy(() =>
      overflown(async (id, forward) => {
        await dropOldest(forward, id, window / 2);
        return forward();
      }),
    ),
  mutant(
    'window-refused-and-trimmed',
    'a write that does not fit is refused, and the oldest messages dropped all the same',
  )
    .caughtBy('append.window/one-more-changes-nothing')
    .proxy(() =>
      overflown(async (id, forward, response) => {
        await dropOldest(forward, id, window / 2);
        return response;
      }),
    ),
  mutant('window-trimmed-when-full', 'a window that becomes full drops its oldest message')
    .caughtBy('append.window/exact-keeps-all')
    .proxy(() =>
      on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        const { usage } = await sessionAt(forward, id);
        if (usage?.total_tokens === window) await dropOldest(forward, id, window - 1);
        return response;
      }),
    ),
  mutant('window-full-is-unlimited', 'no tokens left is taken for no limit')
    .caughtBy('append.window/full-refuses-any')
    .limits({ window_tokens: 2 * window }, () =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const remaining = window - ((await sessionAt(forward, id)).usage?.total_tokens ?? 0);
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return remaining !== 0 && tokens > remaining ? refusal('context_window_exceeded') : forward();
      }),
    ),
  mutant('window-other-words', 'a full window is told in the words of another API')
    .caughtBy('append.window/one-more-told')
    .proxy(() =>
      overflown((_, __, response) =>
        editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: `This model's maximum context length is ${window} tokens.` },
        })),
      ),
    ),
  mutant('window-requested-alone', 'what was requested is told without what stands in the window')
    .caughtBy('append.window/one-more-told')
    .proxy(() =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return editJson(response, ({ error }: { error: { message: string } }) => ({
          error: { ...error, message: error.message.replace(/requested: \d+/, `requested: ${tokens}`) },
        }));
      }),
    ),
];

const WRITE_MUTANTS = [
  mutant('first-only', 'of several messages the first alone is written')
    .caughtBy('append.atomic/many-stored')
    .proxy(() => writes((messages) => messages.slice(0, 1))),
  mutant('lists-only', 'a single message is not understood')
    .caughtBy('append.atomic/one-stored')
    .proxy(() =>
      on('POST', WRITE, ({ body }, forward) =>
        (body as object) && 'role' in (body as object)
          ? Promise.resolve(refusal('invalid_request', 'Invalid request: messages: missing'))
          : forward(),
      ),
    ),
  mutant('nothing-accepted', 'a write of no messages succeeds')
    .caughtBy('append.atomic/none-refused')
    .proxy(() =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        if (messagesOf(body)?.length !== 0) return forward();
        const { usage, version } = await sessionAt(forward, id);
        return json({ object: 'session.append', session_id: id, data: [], tokens: 0, usage, version });
      }),
    ),
  mutant('partly-stored', 'what stands before the fault in a refused write is stored')
    .caughtBy(
      'append.atomic/last-bad-stores-none',
      'append.atomic/middle-bad-stores-none',
      'append.limit-whole/sum-over-refused',
    )
    .proxy(() =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const messages = messagesOf(body) ?? [];
        if (response.status >= 400 && messages.length > 1) await forward({ body: messages[0] });
        return response;
      }),
    ),
  mutant('concurrent-loses-one', 'of two writes at the same time the later overwrites the other')
    .caughtBy(
      'append.concurrent/accepted-stand',
      'append.concurrent/usage-adds-up',
      'append.concurrent/versions-differ',
    )
    .proxy(() => overlapping(async (_, __, first) => (await first).clone())),
  mutant('concurrent-breaks', 'of two writes at the same time one breaks down')
    .caughtBy('append.concurrent/each-answered')
    .proxy(() =>
      overlapping(() => Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500))),
    ),
  mutant('busy-though-written', 'a write is refused as busy although it was written')
    .caughtBy('append.concurrent/accepted-stand')
    .proxy(() =>
      overlapping(async (_, forward) => {
        await forward();
        return refusal('session_busy');
      }),
    ),
  mutant('written-one-by-one', 'the messages of a write are written one after the other, and others come between them')
    .caughtBy('append.concurrent/writes-stay-together')
    .proxy(() =>
      on('POST', WRITE, async ({ body }, forward) => {
        const messages = messagesOf(body) ?? [];
        if (messages.length < 2) return forward();
        const responses: Response[] = [];
        for (const message of messages) responses.push(await forward({ body: message }));
        return joined(responses);
      }),
    ),
  mutant('no-own-version', 'every write answers with the first version')
    .caughtBy('append.concurrent/versions-differ', 'append.message/answer-usage-as-read')
    .proxy(() =>
      on('POST', WRITE, async (_, forward) =>
        editJson(await forward(), (answer: object) => ({ ...answer, version: 1 })),
      ),
    ),
];

export const APPEND_MUTANTS: readonly Mutant[] = [
  ...WRITE_MUTANTS,
  ...LIMIT_MUTANTS,
  ...WINDOW_MUTANTS,
  ...CONTENT_MUTANTS,
  ...COUNT_MUTANTS,
  ...PAIRING_MUTANTS,
];
