import { type Call, callsIn, editCalls, editField, type Message, onChat, refuse } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler, Json } from '../../proof/proxy.ts';

const mutant = mutantsOf('tools', { choice, named, withFunction });

function withFunction(edit: (made: Call['function']) => object): Handler {
  return editCalls((call) => ({ ...call, function: edit(call.function) }));
}

const CALL_MUTANTS = [
  mutant('arguments-parsed', 'arguments come as an object instead of text')
    .caughtBy('tools.call/shape')
    .withFunction((made) => ({ ...made, arguments: JSON.parse(made.arguments) })),
  mutant('function-call', 'a call comes in the older shape, without id and type')
    .caughtBy('tools.call/shape')
    .editCalls(({ function: made }) => ({ function: made })),
  mutant('no-index', 'a call that is not streamed has no index')
    .caughtBy('tools.call/index-present')
    .editCalls(({ index: _, ...call }) => call),
  mutant('null-content', 'a message that calls has null as content')
    .caughtBy('tools.call/content-a-string')
    .editChoices((said) => (said.message.tool_calls ? { ...said, message: { ...said.message, content: null } } : said)),
  mutant('says-stop', 'an answer that calls says that it stopped')
    .caughtBy('tools.call/says-tool-calls')
    .editChoices((said) => ({ ...said, finish_reason: 'stop' })),
  mutant('prefixed-name', 'the name of the function keeps the prefix of the prompt')
    .caughtBy('tools.call/declared-function', 'tools.choice/auto-may-call named-is-called')
    .withFunction((made) => ({ ...made, name: `functions.${made.name}` })),
  mutant('arguments-escaped-twice', 'arguments are encoded twice')
    .caughtBy('tools.call/arguments-fit')
    .withFunction((made) => ({ ...made, arguments: JSON.stringify(made.arguments) })),
  mutant('numbers-as-text', 'numbers in arguments come as text')
    .caughtBy('tools.call/arguments-fit')
    .withFunction((made) => ({ ...made, arguments: made.arguments.replace(/:(\d+)/g, ':"$1"') })),
  mutant('random-ids', 'calls have ids at random')
    .caughtBy('tools.call/id-form')
    .editCalls((call) => ({ ...call, id: 'call_8Jz0aQ' })),
  mutant('ids-from-one', 'calls are numbered from 1')
    .caughtBy('tools.call/id-form')
    .editCalls((call) => ({ ...call, id: call.id.replace(/\d+$/, (index) => String(Number(index) + 1)) })),
  mutant('index-not-taken-back', 'a call is refused where it comes back with its index')
    .caughtBy('tools.call/issued-accepted')
    .onChat((body, forward) =>
      callsIn((body.messages ?? []) as Message[]).some((call) => 'index' in call) ? refuse() : forward(),
    ),
  mutant('ids-of-the-server-only', 'only results of calls that the server has issued itself are accepted')
    .caughtBy('tools.pairing/answered-accepted', 'tools.result/read')
    .proxy(() => {
      const issued = new Set<string>();
      return onChat(async (body, forward) => {
        if (callsIn(Array.isArray(body.messages) ? body.messages : []).some(({ id }) => !issued.has(id)))
          return refuse();
        const response = await forward();
        for (const [, id = ''] of (await response.clone().text()).matchAll(/"id":"(functions\.[^"]+)"/g))
          issued.add(id);
        return response;
      });
    }),
  mutant('results-dropped', 'results do not reach the model')
    .caughtBy('tools.result/read')
    .editMessages((messages) =>
      messages.map((message) => (message.role === 'tool' ? { ...message, content: '…' } : message)),
    ),
];

type Function = Json & { function: Json & { name: string } };

type Choice = 'none' | 'auto' | 'required' | { function: { name: string } };

function named(edit: (name: string) => string): Handler {
  return editField('tools', (declared: Function[]) =>
    declared.map((tool) => ({ ...tool, function: { ...tool.function, name: edit(tool.function.name) } })),
  );
}

function choice(edit: (choice: Choice, body: Json) => unknown): Handler {
  return editField('tool_choice', edit);
}

const namesOf = (body: Json) => ((body.tools ?? []) as Function[]).map((tool) => tool.function.name);

const REQUEST_MUTANTS = [
  mutant('auto-never-calls', '`auto` calls nothing')
    .caughtBy('tools.choice/auto-may-call')
    .choice((asked) => (asked === 'auto' ? 'none' : asked)),
  mutant('none-ignored', '`none` leaves free what is called')
    .caughtBy('tools.choice/none-calls-nothing')
    .choice((asked) => (asked === 'none' ? 'auto' : asked)),
  mutant('required-ignored', '`required` leaves free whether something is called')
    .caughtBy('tools.choice/required-calls')
    .choice((asked) => (asked === 'required' ? 'auto' : asked)),
  mutant('named-is-required', 'a function named as tool_choice only makes that something is called')
    .caughtBy('tools.choice/named-is-called undeclared-refused')
    .choice((asked) => (typeof asked === 'object' ? 'required' : asked)),
  mutant('undeclared-is-free', 'a tool_choice that is not declared leaves free what is called')
    .caughtBy('tools.choice/undeclared-refused')
    .choice((asked, body) =>
      typeof asked === 'object' && !namesOf(body).includes(asked.function.name) ? 'auto' : asked,
    ),
  mutant('required-of-nothing', '`required` is accepted where nothing is declared')
    .caughtBy('tools.choice/required-without-refused')
    .choice((asked, body) => (namesOf(body).length === 0 ? 'none' : asked)),
  mutant('unquoted-id', 'the refusal of a result has its id without quotes')
    .caughtBy('tools.pairing/other-id-refused orphan-refused')
    .editErrorText((message) => message.replace(/^(tool_call_id) '(.*)' /, '$1 $2 ')),
  mutant('missing-unnamed', 'the refusal of calls without results does not name them')
    .caughtBy('tools.pairing/unanswered-refused unanswered-before-user-refused')
    .editErrorText((message) => message.replace(/(response messages: ).*/, '$1')),
  mutant('results-invented', 'calls without a result are answered with nothing')
    .caughtBy('tools.pairing/unanswered-refused unanswered-before-user-refused')
    .editMessages((messages) =>
      messages.flatMap((message, index) =>
        message.tool_calls && messages[index + 1]?.role !== 'tool'
          ? [message, ...callsIn([message]).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'null' }))]
          : [message],
      ),
    ),
  mutant('last-call-open', 'calls of the last message need no result')
    .caughtBy('tools.pairing/unanswered-refused')
    .editMessages((messages) => (messages.at(-1)?.tool_calls ? messages.slice(0, -1) : messages)),
  mutant('results-by-place', 'results are matched by their place instead of their id')
    .caughtBy('tools.pairing/other-id-refused')
    .editMessages((messages) =>
      messages.map((message, index) => {
        const [call] = callsIn(messages.slice(Math.max(0, index - 1), index));
        return message.role === 'tool' && call ? { ...message, tool_call_id: call.id } : message;
      }),
    ),
  mutant('orphans-dropped', 'results without a call are left out')
    .caughtBy('tools.pairing/orphan-refused')
    .editMessages((messages) =>
      messages.filter((message, index) => message.role !== 'tool' || callsIn(messages.slice(0, index)).length > 0),
    ),
  mutant('name-cut', 'a name that is too long is cut')
    .caughtBy('tools.name/longer-refused')
    .named((name) => name.slice(0, 64)),
  mutant('name-of-63', 'the longest name is refused')
    .caughtBy('tools.name/bounds-accepted')
    .named((name) => (name.length === 64 ? `${name}f` : name)),
  mutant('short-name', 'a name of two characters is accepted')
    .caughtBy('tools.name/shorter-refused')
    .named((name) => name.padEnd(3, '_')),
  mutant('digit-first', 'a name may begin with a digit')
    .caughtBy('tools.name/digit-first-refused')
    .named((name) => name.replace(/^(?=\d)/, '_')),
  mutant('dotted-name', 'a name may have a dot')
    .caughtBy('tools.name/other-character-refused')
    .named((name) => name.replaceAll('.', '_')),
  mutant('declared-cut', 'functions beyond the last allowed are left out')
    .caughtBy('tools.most/one-more-refused')
    .editField('tools', (declared: Function[]) => declared.slice(0, 128)),
  mutant('one-less', 'as many functions as allowed are refused')
    .caughtBy('tools.most/most-accepted')
    .editRequest((body) =>
      Array.isArray(body.tools) && body.tools.length > 127 ? { ...body, tools: [...body.tools, body.tools[0]] } : body,
    ),
];

const isBuiltin = (tool: Json) => tool.type === 'builtin_function';

function toolsIn({ tools }: Json): Json[] {
  return Array.isArray(tools) ? (tools as Json[]) : [];
}

const BUILTIN_MUTANTS = [
  mutant('no-builtins', 'built-in functions are refused')
    .caughtBy('tools.builtin/accepted accepted-beside')
    .onChat((body, forward) => (toolsIn(body).some(isBuiltin) ? refuse() : forward())),
  mutant('builtin-alone', 'a built-in function is refused beside others')
    .caughtBy('tools.builtin/accepted-beside')
    .onChat((body, forward) => (toolsIn(body).some(isBuiltin) && toolsIn(body).length > 1 ? refuse() : forward())),
  mutant('builtin-without-usage', 'a call of a built-in function has no arguments')
    .caughtBy('tools.builtin/call-has-usage')
    .withFunction((made) => (made.name === '$web_search' ? { ...made, arguments: '{}' } : made)),
  mutant('builtin-never-called', 'built-in functions are declared to nobody')
    .caughtBy('tools.builtin/call-has-usage')
    .editField('tools', (declared: Json[]) => declared.filter((tool) => !isBuiltin(tool))),
  mutant('any-builtin', 'built-in functions of any name are taken')
    .caughtBy('tools.builtin/other-name-refused')
    .editField('tools', (declared: Json[]) => declared.filter((tool) => !JSON.stringify(tool).includes('$no_such'))),
];

export const TOOLS_MUTANTS: readonly Mutant[] = [...CALL_MUTANTS, ...REQUEST_MUTANTS, ...BUILTIN_MUTANTS];
