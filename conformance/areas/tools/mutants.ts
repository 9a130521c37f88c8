import {
  asked,
  askedFor,
  type Call,
  calls,
  callsIn,
  choices,
  history,
  type Message,
  mutantsOf,
  onChat,
  refuses,
  worded,
} from '../../proof/chats.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';

const tools = mutantsOf('tools');

const withFunction = (edit: (made: Call['function']) => object) =>
  calls((call) => ({ ...call, function: edit(call.function) }));

const CALL_MUTANTS: readonly Mutant[] = [
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

type Function = Json & { function: Json & { name: string } };

type Choice = 'none' | 'auto' | 'required' | { function: { name: string } };

const named = (edit: (name: string) => string) =>
  askedFor('tools', (declared: Function[]) =>
    declared.map((tool) => ({ ...tool, function: { ...tool.function, name: edit(tool.function.name) } })),
  );

const choice = (edit: (choice: Choice, body: Json) => unknown) => askedFor('tool_choice', edit);

const namesOf = (body: Json) => ((body.tools ?? []) as Function[]).map((tool) => tool.function.name);

const REQUEST_MUTANTS: readonly Mutant[] = [
  tools(
    'auto-never-calls',
    '`auto` calls nothing',
    ['tools.choice/auto-may-call'],
    choice((asked) => (asked === 'auto' ? 'none' : asked)),
  ),
  tools(
    'none-ignored',
    '`none` leaves free what is called',
    ['tools.choice/none-calls-nothing'],
    choice((asked) => (asked === 'none' ? 'auto' : asked)),
  ),
  tools(
    'required-ignored',
    '`required` leaves free whether something is called',
    ['tools.choice/required-calls'],
    choice((asked) => (asked === 'required' ? 'auto' : asked)),
  ),
  tools(
    'named-is-required',
    'a function named as tool_choice only makes that something is called',
    ['tools.choice/named-is-called', 'tools.choice/undeclared-refused'],
    choice((asked) => (typeof asked === 'object' ? 'required' : asked)),
  ),
  tools(
    'undeclared-is-free',
    'a tool_choice that is not declared leaves free what is called',
    ['tools.choice/undeclared-refused'],
    choice((asked, body) =>
      typeof asked === 'object' && !namesOf(body).includes(asked.function.name) ? 'auto' : asked,
    ),
  ),
  tools(
    'required-of-nothing',
    '`required` is accepted where nothing is declared',
    ['tools.choice/required-without-refused'],
    choice((asked, body) => (namesOf(body).length === 0 ? 'none' : asked)),
  ),
  tools(
    'one-space',
    'the text of the refusal has one space',
    [
      'tools.pairing/unanswered-refused',
      'tools.pairing/unanswered-before-user-refused',
      'tools.pairing/other-id-refused',
      'tools.pairing/orphan-refused',
    ],
    worded((message) => message.replace('tool_call_id  not', 'tool_call_id not')),
  ),
  tools(
    'results-invented',
    'calls without a result are answered with nothing',
    ['tools.pairing/unanswered-refused', 'tools.pairing/unanswered-before-user-refused'],
    history((messages) =>
      messages.flatMap((message, index) =>
        message.tool_calls && messages[index + 1]?.role !== 'tool'
          ? [message, ...callsIn([message]).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'null' }))]
          : [message],
      ),
    ),
  ),
  tools(
    'last-call-open',
    'calls of the last message need no result',
    ['tools.pairing/unanswered-refused'],
    history((messages) => (messages.at(-1)?.tool_calls ? messages.slice(0, -1) : messages)),
  ),
  tools(
    'results-by-place',
    'results are matched by their place instead of their id',
    ['tools.pairing/other-id-refused'],
    history((messages) =>
      messages.map((message, index) => {
        const [call] = callsIn(messages.slice(Math.max(0, index - 1), index));
        return message.role === 'tool' && call ? { ...message, tool_call_id: call.id } : message;
      }),
    ),
  ),
  tools(
    'orphans-dropped',
    'results without a call are left out',
    ['tools.pairing/orphan-refused'],
    history((messages) =>
      messages.filter((message, index) => message.role !== 'tool' || callsIn(messages.slice(0, index)).length > 0),
    ),
  ),
  tools(
    'name-cut',
    'a name that is too long is cut',
    ['tools.name/longer-refused'],
    named((name) => name.slice(0, 64)),
  ),
  tools(
    'name-of-63',
    'the longest name is refused',
    ['tools.name/bounds-accepted'],
    named((name) => (name.length === 64 ? `${name}f` : name)),
  ),
  tools(
    'short-name',
    'a name of two characters is accepted',
    ['tools.name/shorter-refused'],
    named((name) => name.padEnd(3, '_')),
  ),
  tools(
    'digit-first',
    'a name may begin with a digit',
    ['tools.name/digit-first-refused'],
    named((name) => name.replace(/^(?=\d)/, '_')),
  ),
  tools(
    'dotted-name',
    'a name may have a dot',
    ['tools.name/other-character-refused'],
    named((name) => name.replaceAll('.', '_')),
  ),
  tools(
    'declared-cut',
    'functions beyond the last allowed are left out',
    ['tools.most/one-more-refused'],
    askedFor('tools', (declared: Function[]) => declared.slice(0, 128)),
  ),
  tools(
    'one-less',
    'as many functions as allowed are refused',
    ['tools.most/most-accepted'],
    asked((body) =>
      Array.isArray(body.tools) && body.tools.length > 127 ? { ...body, tools: [...body.tools, body.tools[0]] } : body,
    ),
  ),
];

export const TOOLS_MUTANTS: readonly Mutant[] = [...CALL_MUTANTS, ...REQUEST_MUTANTS];
