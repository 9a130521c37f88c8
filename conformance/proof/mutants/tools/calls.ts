import { type Call, calls, callsIn, choices, history, type Message, mutantsOf, onChat, refuses } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';

const tools = mutantsOf('tools');

const withFunction = (edit: (made: Call['function']) => object) =>
  calls((call) => ({ ...call, function: edit(call.function) }));

export const CALL_MUTANTS: readonly Mutant[] = [
  tools(
    'arguments-parsed',
    'arguments come as an object instead of text',
    ['tools.call/shape'],
    withFunction((made) => ({ ...made, arguments: JSON.parse(made.arguments) })),
  ),
  tools(
    'function-call',
    'a call comes in the older shape, without id and type',
    ['tools.call/shape'],
    calls(({ function: made }) => ({ function: made })),
  ),
  tools(
    'no-index',
    'a call that is not streamed has no index',
    ['tools.call/index-present'],
    calls(({ index: _, ...call }) => call),
  ),
  tools(
    'null-content',
    'a message that calls has null as content',
    ['tools.call/content-a-string'],
    choices((said) => (said.message.tool_calls ? { ...said, message: { ...said.message, content: null } } : said)),
  ),
  tools(
    'says-stop',
    'an answer that calls says that it stopped',
    ['tools.call/says-tool-calls'],
    choices((said) => ({ ...said, finish_reason: 'stop' })),
  ),
  tools(
    'prefixed-name',
    'the name of the function keeps the prefix of the prompt',
    ['tools.call/declared-function', 'tools.choice/auto-may-call', 'tools.choice/named-is-called'],
    withFunction((made) => ({ ...made, name: `functions.${made.name}` })),
  ),
  tools(
    'arguments-escaped-twice',
    'arguments are encoded twice',
    ['tools.call/arguments-fit'],
    withFunction((made) => ({ ...made, arguments: JSON.stringify(made.arguments) })),
  ),
  tools(
    'numbers-as-text',
    'numbers in arguments come as text',
    ['tools.call/arguments-fit'],
    withFunction((made) => ({ ...made, arguments: made.arguments.replace(/:(\d+)/g, ':"$1"') })),
  ),
  tools(
    'random-ids',
    'calls have ids at random',
    ['tools.call/id-form'],
    calls((call) => ({ ...call, id: 'call_8Jz0aQ' })),
  ),
  tools(
    'ids-from-one',
    'calls are numbered from 1',
    ['tools.call/id-form'],
    calls((call) => ({ ...call, id: call.id.replace(/\d+$/, (index) => String(Number(index) + 1)) })),
  ),
  tools(
    'index-not-taken-back',
    'a call is refused where it comes back with its index',
    ['tools.call/issued-accepted'],
    onChat((body, forward) =>
      callsIn((body.messages ?? []) as Message[]).some((call) => 'index' in call) ? refuses() : forward(),
    ),
  ),
  tools(
    'ids-of-the-server-only',
    'only results of calls that the server has issued itself are accepted',
    ['tools.pairing/answered-accepted', 'tools.result/read'],
    () => {
      const issued = new Set<string>();
      return onChat(async (body, forward) => {
        if (callsIn(Array.isArray(body.messages) ? body.messages : []).some(({ id }) => !issued.has(id)))
          return refuses();
        const response = await forward();
        for (const [, id = ''] of (await response.clone().text()).matchAll(/"id":"(functions\.[^"]+)"/g))
          issued.add(id);
        return response;
      })();
    },
  ),
  tools(
    'results-dropped',
    'results do not reach the model',
    ['tools.result/read'],
    history((messages) =>
      messages.map((message) => (message.role === 'tool' ? { ...message, content: '…' } : message)),
    ),
  ),
];
