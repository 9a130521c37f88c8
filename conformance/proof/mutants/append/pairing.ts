import { LIVE_TEXT } from '../../../../contract/errors.ts';
import type { Mutant } from '../../mutant.ts';
import { editJson, on } from '../../proxy.ts';
import { codeOf, messagesOf, refusal, type Sent, WRITE, windowAt, writes } from '../../rewrites.ts';

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

export const PAIRING_MUTANTS: readonly Mutant[] = [
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
