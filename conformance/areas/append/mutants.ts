import { LIVE_TEXT } from '../../../contract/errors.ts';
import { MODEL_ID } from '../../../contract/models.ts';
import type { Usage } from '../../../contract/sessions.ts';
import type { Mutant } from '../../proof/mutant.ts';
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
  saying,
  sessionAt,
  texts,
  WRITE,
  windowAt,
  writes,
} from '../../proof/rewrites.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const stored = (
  name: string,
  broken: string,
  kills: [string, ...string[]],
  edit: (text: string) => string,
): Mutant => ({
  id: `append.${name}`,
  area: 'append',
  broken,
  killedBy: kills,
  handler: () => texts(edit),
});

const answers = (edit: (body: never) => unknown) =>
  on('POST', WRITE, async (_, forward) => editJson(await forward(), edit));

const shown = (edit: (message: Sent) => Sent) =>
  chain(
    listed((messages) => messages.map(edit)),
    answers(({ data, ...answer }: { data?: Sent[] }) => (data ? { ...answer, data: data.map(edit) } : answer)),
  );

const CONTENT_MUTANTS: readonly Mutant[] = [
  stored('not-unicode', 'text is stored in an encoding of one byte', ['append.content/han-exact'], (text) =>
    text.replace(/[\u0100-\uffff]/g, '?'),
  ),
  stored(
    'basic-plane-only',
    'text is stored without characters beyond the basic plane',
    ['append.content/emoji-exact'],
    (text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd'),
  ),
  stored('normalised', 'text is stored normalised', ['append.content/combining-exact'], (text) =>
    text.normalize('NFC'),
  ),
  stored('line-ends', 'lines are stored with one kind of end', ['append.content/line-ends-exact'], (text) =>
    text.replace(/\r\n?/g, '\n'),
  ),
  stored(
    'trimmed',
    'text is stored without blanks around it',
    ['append.content/blanks-exact', 'append.content/only-blanks-exact'],
    (text) => text.trim(),
  ),
  stored('controls-dropped', 'text is stored up to its first NUL', ['append.content/controls-exact'], (text) =>
    text.replace(/\0.*/s, ''),
  ),
  stored(
    'markers-dropped',
    'what looks like a marker of the template is taken out',
    ['append.content/markers-exact'],
    (text) => text.replace(/<\|\w+\|>/g, ''),
  ),
  {
    id: 'append.parts-joined',
    area: 'append',
    broken: 'content in parts comes back as one text',
    killedBy: ['append.content/parts-exact'],
    handler: () =>
      writes((messages) =>
        messages.map(({ content, ...message }) => ({
          ...message,
          content: Array.isArray(content) ? content.map(({ text }) => text).join('') : content,
        })),
      ),
  },
  {
    id: 'append.newest-first',
    area: 'append',
    broken: 'a window is listed newest first',
    killedBy: ['append.atomic/order-kept', 'append.system-messages/late-in-place'],
    handler: () => listed((messages) => messages.toReversed()),
  },
  {
    id: 'append.prepends',
    area: 'append',
    broken: 'what is written later stands in front',
    killedBy: ['append.atomic/order-kept'],
    handler: () => listed((messages) => [...messages.slice(-1), ...messages.slice(0, -1)]),
  },
  {
    id: 'append.replaces-the-last',
    area: 'append',
    broken: 'a write takes the place of the message before it',
    killedBy: ['append.atomic/order-kept'],
    handler: () => listed((messages) => [...messages.slice(0, -2), ...messages.slice(-1)]),
  },
  {
    id: 'append.role-changed',
    area: 'append',
    broken: 'system messages behind others become those of a user',
    killedBy: ['append.system-messages/late-role'],
    handler: () =>
      listed((messages) =>
        messages.map((message, index) =>
          index > 0 && message.role === 'system' ? { ...message, role: 'user' } : message,
        ),
      ),
  },
  {
    id: 'append.system-first-only',
    area: 'append',
    broken: 'system messages are accepted at the beginning only',
    killedBy: ['append.system-messages/late-accepted'],
    handler: () => {
      const begun = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const isLate = begun.has(id) && JSON.stringify(body).includes('"role":"system"');
        begun.add(id);
        return isLate ? Promise.resolve(refusal('invalid_request')) : forward();
      });
    },
  },
  {
    id: 'append.name-dropped',
    area: 'append',
    broken: 'the name of a message is not stored',
    killedBy: ['append.message/fields-kept'],
    handler: () => writes((messages) => messages.map(({ name, ...message }) => message as Sent)),
  },
  {
    id: 'append.answer-without-usage',
    area: 'append',
    broken: 'the answer to a write does not say what is used',
    killedBy: ['append.message/answer-shape'],
    handler: () => answers(({ usage, ...answer }: { usage?: object }) => answer),
  },
  {
    id: 'append.answer-other-ids',
    area: 'append',
    broken: 'the messages of the answer have ids that the window does not know',
    killedBy: ['append.message/answer-as-listed'],
    handler: () =>
      answers(({ data = [], ...answer }: { data?: Sent[] }) => ({
        ...answer,
        data: data.map((message) => ({ ...message, id: `${message.id}0` })),
      })),
  },
  {
    id: 'append.flags-left-out',
    area: 'append',
    broken: 'a listed message has no flags where they are false',
    killedBy: ['append.message/message-shape'],
    handler: () =>
      listed((messages) =>
        messages.map(
          (message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== false)) as Sent,
        ),
      ),
  },
  {
    id: 'append.shared-ids',
    area: 'append',
    broken: 'all messages of a write have the same id',
    killedBy: ['append.message/message-ids'],
    handler: () => shown((message) => ({ ...message, id: `msg_of_${message.session_id}` })),
  },
  {
    id: 'append.milliseconds',
    area: 'append',
    broken: 'messages tell their time in milliseconds',
    killedBy: ['append.message/message-session'],
    handler: () => shown((message) => ({ ...message, created_at: 1_000 * Number(message.created_at) })),
  },
  {
    id: 'append.system-as-summary',
    area: 'append',
    broken: 'every system message is taken for a summary',
    killedBy: ['append.message/message-flags'],
    handler: () => shown((message) => ({ ...message, summary: message.role === 'system' })),
  },
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

const COUNT_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.usage-of-before',
    area: 'append',
    broken: 'the answer to a write tells the usage before it',
    killedBy: ['append.usage/usage-grows-by-tokens', 'append.message/answer-usage-as-read'],
    handler: () =>
      answersCounts((answer) => ({
        ...answer,
        usage: { ...answer.usage, total_tokens: answer.usage.total_tokens - answer.tokens },
      })),
  },
  {
    id: 'append.frames-uncounted',
    area: 'append',
    broken: 'a write counts the texts of its messages without their frames',
    killedBy: ['append.usage/tokens-of-messages', 'append.usage/as-estimated'],
    handler: () => answersCounts((answer) => ({ ...answer, tokens: answer.tokens - FRAME * answer.data.length })),
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

const limit = SMALL_LIMITS.append_tokens;

/** A server that knows the limit wrongly. */
const knows = (append_tokens: number): Pick<Mutant, 'handler' | 'options'> => ({
  options: () => ({ limits: { ...SMALL_LIMITS, append_tokens } }),
  handler: () => saying({ append_tokens: limit }, { append_tokens }),
});

const oneMore = (text: string) => `${text} table`;

const LIMIT_MUTANTS: readonly Mutant[] = [
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

const PAIRING_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.orphan-accepted',
    area: 'append',
    broken: 'the result of no call is accepted, as a message of a user',
    killedBy: [
      'append.tool-results/orphan-refused',
      'append.tool-results/orphan-named',
      'append.tool-results/open-refuses-strangers',
      'append.atomic/last-bad-stores-none',
    ],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'tool_result_orphan') return response;
        const messages = messagesOf(body) ?? [];
        return forward({ body: { messages: messages.map(({ content }) => ({ role: 'user', content })) } });
      }),
  },
  {
    id: 'append.result-twice-accepted',
    area: 'append',
    broken: 'a second result of a call is taken, and forgotten',
    killedBy: ['append.tool-results/answered-twice-refused'],
    handler: () => {
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
    },
  },
  {
    id: 'append.pairing-unnamed',
    area: 'append',
    broken: 'what is wrong with tool calls is told without their ids',
    killedBy: ['append.tool-results/orphan-named', 'append.tool-results/open-named'],
    handler: () =>
      on('POST', WRITE, async (_, forward) => {
        const response = await forward();
        if (!(await codeOf(response))?.startsWith('tool_')) return response;
        return editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: `Invalid request: ${LIVE_TEXT.toolCallIdNotFound}` },
        }));
      }),
  },
  {
    id: 'append.open-calls-dropped',
    area: 'append',
    broken: 'calls that wait are answered by the server as soon as anything else is written',
    killedBy: [
      'append.tool-results/open-refuses-others',
      'append.tool-results/open-refuses-calls',
      'append.atomic/middle-bad-stores-none',
    ],
    handler: () =>
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
  },
  {
    id: 'append.results-in-turn-only',
    area: 'append',
    broken: 'parallel calls have to be answered in their order',
    killedBy: ['append.tool-results/any-order-accepted'],
    handler: () =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const inTurn = answersInTurn(await windowAt(forward, id), messagesOf(body) ?? []);
        return inTurn ? forward() : refusal('tool_result_orphan', 'Invalid request: another call comes first');
      }),
  },
  {
    id: 'append.results-apart-only',
    area: 'append',
    broken: 'a result is looked for among the calls of earlier writes only',
    killedBy: ['append.tool-results/one-write-accepted'],
    handler: () =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const open = waiting(await windowAt(forward, id));
        const orphan = (messagesOf(body) ?? []).find(
          ({ role, tool_call_id }) => role === 'tool' && !open.includes(String(tool_call_id)),
        );
        return orphan ? refusal('tool_result_orphan', `Invalid request: ${orphan.tool_call_id}`) : forward();
      }),
  },
  {
    id: 'append.results-together-only',
    area: 'append',
    broken: 'results that come in several writes leave the calls open',
    killedBy: ['append.tool-results/goes-on-after'],
    handler: () => {
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
    },
  },
  {
    id: 'append.ids-used-up',
    area: 'append',
    broken: 'the id of a call can be used once in the life of a session',
    killedBy: ['append.call-ids/again-accepted'],
    handler: () => {
      const used = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const calls = (messagesOf(body) ?? []).flatMap(callsOf).map((call) => `${id} ${call}`);
        if (calls.some((call) => used.has(call))) return Promise.resolve(refusal('invalid_request'));
        for (const call of calls) used.add(call);
        return forward();
      });
    },
  },
  {
    id: 'append.ids-twice-at-once',
    area: 'append',
    broken: 'two open calls may have the same id',
    killedBy: ['append.call-ids/twice-at-once-refused'],
    handler: () =>
      writes((messages) =>
        messages.map((message) => {
          const calls = new Map(((message.tool_calls ?? []) as { id: string }[]).map((call) => [call.id, call]));
          return message.tool_calls ? { ...message, tool_calls: [...calls.values()] } : message;
        }),
      ),
  },
  {
    id: 'append.empty-accepted',
    area: 'append',
    broken: 'messages that say nothing are accepted',
    killedBy: [
      'append.empty/text-refused',
      'append.empty/parts-refused',
      'append.empty/null-refused',
      'append.empty/absent-refused',
      'append.empty/among-others-refused',
      'append.empty/result-refused',
    ],
    handler: () => writes((messages) => messages.map((each) => (isEmpty(each) ? { ...each, content: ' ' } : each))),
  },
  {
    id: 'append.calls-need-text',
    area: 'append',
    broken: 'a message that only calls tools is refused as empty',
    killedBy: ['append.empty/calls-accepted'],
    handler: () =>
      on('POST', WRITE, ({ body }, forward) => {
        const isSilent = (messagesOf(body) ?? []).some(({ role, content }) => role === 'assistant' && !content);
        return isSilent ? Promise.resolve(refusal('invalid_request', LIVE_TEXT.contentEmpty)) : forward();
      }),
  },
];

const window = SMALL_LIMITS.window_tokens;

/** A server whose window is of another size than it says. */
const knowsWindow = (window_tokens: number, ...more: Handler[]): Pick<Mutant, 'handler' | 'options'> => ({
  options: () => ({ limits: { ...SMALL_LIMITS, window_tokens } }),
  handler: () => chain(saying({ window_tokens: window }, { window_tokens }), ...more),
});

const overflown = (meet: (id: string, forward: Forward, response: Response) => Promise<Response>): Handler =>
  on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
    const response = await forward();
    return (await codeOf(response)) === 'context_window_exceeded' ? meet(id, forward, response) : response;
  });

const dropOldest = (forward: Forward, id: string, preserve_len: number) =>
  forward({ path: `/v1/sessions/${id}/truncate`, body: { preserve_len } });

const WINDOW_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.window-and-one-accepted',
    area: 'append',
    broken: 'a window takes one token more than it may',
    killedBy: ['append.window/one-more-refused'],
    ...knowsWindow(window + 1),
  },
  {
    id: 'append.window-refused',
    area: 'append',
    broken: 'a window cannot be filled to its last token',
    killedBy: ['append.window/exact-accepted'],
    ...knowsWindow(window - 1),
  },
  {
    id: 'append.window-drops-oldest',
    area: 'append',
    broken: 'a full window drops its oldest messages and accepts',
    killedBy: ['append.window/one-more-refused', 'append.window/one-more-changes-nothing'],
    handler: () =>
      overflown(async (id, forward) => {
        await dropOldest(forward, id, window / 2);
        return forward();
      }),
  },
  {
    id: 'append.window-refused-and-trimmed',
    area: 'append',
    broken: 'a write that does not fit is refused, and the oldest messages dropped all the same',
    killedBy: ['append.window/one-more-changes-nothing'],
    handler: () =>
      overflown(async (id, forward, response) => {
        await dropOldest(forward, id, window / 2);
        return response;
      }),
  },
  {
    id: 'append.window-trimmed-when-full',
    area: 'append',
    broken: 'a window that becomes full drops its oldest message',
    killedBy: ['append.window/exact-keeps-all'],
    handler: () =>
      on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        const { usage } = await sessionAt(forward, id);
        if (usage?.total_tokens === window) await dropOldest(forward, id, window - 1);
        return response;
      }),
  },
  {
    id: 'append.window-full-is-unlimited',
    area: 'append',
    broken: 'no tokens left is taken for no limit',
    killedBy: ['append.window/full-refuses-any'],
    ...knowsWindow(
      2 * window,
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const remaining = window - ((await sessionAt(forward, id)).usage?.total_tokens ?? 0);
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return remaining !== 0 && tokens > remaining ? refusal('context_window_exceeded') : forward();
      }),
    ),
  },
  {
    id: 'append.window-other-words',
    area: 'append',
    broken: 'a full window is told in the words of another API',
    killedBy: ['append.window/one-more-told'],
    handler: () =>
      overflown((_, __, response) =>
        editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: `This model's maximum context length is ${window} tokens.` },
        })),
      ),
  },
  {
    id: 'append.window-requested-alone',
    area: 'append',
    broken: 'what was requested is told without what stands in the window',
    killedBy: ['append.window/one-more-told'],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return editJson(response, ({ error }: { error: { message: string } }) => ({
          error: { ...error, message: error.message.replace(/requested: \d+/, `requested: ${tokens}`) },
        }));
      }),
  },
];

const WRITE_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.first-only',
    area: 'append',
    broken: 'of several messages the first alone is written',
    killedBy: ['append.atomic/many-stored'],
    handler: () => writes((messages) => messages.slice(0, 1)),
  },
  {
    id: 'append.lists-only',
    area: 'append',
    broken: 'a single message is not understood',
    killedBy: ['append.atomic/one-stored'],
    handler: () =>
      on('POST', WRITE, ({ body }, forward) =>
        (body as object) && 'role' in (body as object)
          ? Promise.resolve(refusal('invalid_request', 'Invalid request: messages: missing'))
          : forward(),
      ),
  },
  {
    id: 'append.nothing-accepted',
    area: 'append',
    broken: 'a write of no messages succeeds',
    killedBy: ['append.atomic/none-refused'],
    handler: () =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        if (messagesOf(body)?.length !== 0) return forward();
        const { usage, version } = await sessionAt(forward, id);
        return json({ object: 'session.append', session_id: id, data: [], tokens: 0, usage, version });
      }),
  },
  {
    id: 'append.partly-stored',
    area: 'append',
    broken: 'what stands before the fault in a refused write is stored',
    killedBy: [
      'append.atomic/last-bad-stores-none',
      'append.atomic/middle-bad-stores-none',
      'append.limit-whole/sum-over-refused',
    ],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const messages = messagesOf(body) ?? [];
        if (response.status >= 400 && messages.length > 1) await forward({ body: messages[0] });
        return response;
      }),
  },
  {
    id: 'append.concurrent-loses-one',
    area: 'append',
    broken: 'of two writes at the same time the later overwrites the other',
    killedBy: [
      'append.concurrent/accepted-stand',
      'append.concurrent/usage-adds-up',
      'append.concurrent/versions-differ',
    ],
    handler: () => overlapping(async (_, __, first) => (await first).clone()),
  },
  {
    id: 'append.concurrent-breaks',
    area: 'append',
    broken: 'of two writes at the same time one breaks down',
    killedBy: ['append.concurrent/each-answered'],
    handler: () =>
      overlapping(() => Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500))),
  },
  {
    id: 'append.busy-though-written',
    area: 'append',
    broken: 'a write is refused as busy although it was written',
    killedBy: ['append.concurrent/accepted-stand'],
    handler: () =>
      overlapping(async (_, forward) => {
        await forward();
        return refusal('session_busy');
      }),
  },
  {
    id: 'append.written-one-by-one',
    area: 'append',
    broken: 'the messages of a write are written one after the other, and others come between them',
    killedBy: ['append.concurrent/writes-stay-together'],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const messages = messagesOf(body) ?? [];
        if (messages.length < 2) return forward();
        const responses: Response[] = [];
        for (const message of messages) responses.push(await forward({ body: message }));
        return joined(responses);
      }),
  },
  {
    id: 'append.no-own-version',
    area: 'append',
    broken: 'every write answers with the first version',
    killedBy: ['append.concurrent/versions-differ', 'append.message/answer-usage-as-read'],
    handler: () =>
      on('POST', WRITE, async (_, forward) =>
        editJson(await forward(), (answer: object) => ({ ...answer, version: 1 })),
      ),
  },
];

export const APPEND_MUTANTS: readonly Mutant[] = [
  ...WRITE_MUTANTS,
  ...LIMIT_MUTANTS,
  ...WINDOW_MUTANTS,
  ...CONTENT_MUTANTS,
  ...COUNT_MUTANTS,
  ...PAIRING_MUTANTS,
];
