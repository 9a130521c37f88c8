import { isDeepStrictEqual } from 'node:util';
import { inMode, withMessages, writtenBy } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editText, type Forward, type Handler, type Json, type Passing } from '../../proof/proxy.ts';
import { refusal } from '../../proof/sessions.ts';
import { MESSAGE_SHAPES, SIZED_SHAPES } from '../../tables/messages.ts';
import { WRITE_MODES } from '../../tables/writes.ts';
import type { Message } from '../../wire/sessions.ts';
import { REFUSAL_CASES } from './refusal-cases.ts';
import { SIZE_CASES } from './size-cases.ts';

/** A server for each way to write and each thing that can be lost on it. */

const mutant = mutantsOf('append', { storedBefore });
const MODES = WRITE_MODES.map(({ name }) => name);

type Edit = (message: Message) => Message;
const field =
  (name: string, edit: (value: never, message: Message) => unknown): Edit =>
  (message) => {
    const { [name]: value, ...rest } = message as Json;
    if (value == null) return message;
    const changed = edit(value as never, message);
    return (changed === undefined ? rest : { ...rest, [name]: changed }) as Message;
  };
const texts = (edit: (text: string) => string): Edit =>
  field('content', (content: string | { text: string }[]) =>
    typeof content === 'string' ? edit(content) : content.map((part) => ({ ...part, text: edit(part.text) })),
  );
const calls = (edit: (call: { id: string; function: { name: string; arguments: string } }) => unknown): Edit =>
  field('tool_calls', (made: never[]) => made.map(edit));
const where =
  (isIt: (message: Message & Json) => unknown, edit: Edit): Edit =>
  (message) =>
    isIt(message as Message & Json) ? edit(message) : message;
const without = (name: string) => field(name, () => undefined);
const isParts = ({ content }: Json) => Array.isArray(content);
const said = (text: string | null) => field('content', () => text);
const shortened = (isIt: (message: Message & Json) => unknown) => where(isIt, said('x'));
const cutParts = field('content', (parts: unknown[]) => parts.slice(0, 1));
const firstPart = where(isParts, cutParts);

/** What is lost or changed of a message on its way into the store. */
const LOST: Readonly<Record<string, Edit>> = {
  'text-changed': texts((text) => (text === '' ? text : `${text}.`)),
  'calls-changed': calls((call) => ({ ...call, function: { ...call.function, name: `${call.function.name}_x` } })),
  'name-lost': without('name'),
  'name-lost-beside-calls': where(({ tool_calls }) => tool_calls, without('name')),
  'name-lost-beside-parts': where(isParts, without('name')),
  'name-lost-on-results': where(({ role }) => role === 'tool', without('name')),
  'name-lost-on-assistants': where(({ role }) => role === 'assistant', without('name')),
  'name-lost-where-pinned': where(({ pinned }) => pinned === true, without('name')),
  'name-trimmed': field('name', (name: string) => name.trim()),
  'name-normalised': field('name', (name: string) => name.normalize('NFC')),
  'text-lost-beside-calls': where(({ tool_calls }) => tool_calls, said(null)),
  'parts-joined': where(
    isParts,
    field('content', (parts: { text: string }[]) => parts.map(({ text }) => text).join('')),
  ),
  'parts-lost-but-one': firstPart,
  'arguments-rewritten': calls((call) => ({
    ...call,
    function: { ...call.function, arguments: JSON.stringify(JSON.parse(call.function.arguments)) },
  })),
  'pins-lost': without('pinned'),
  'pins-lost-on-results': where(({ role }) => role === 'tool', without('pinned')),
  'pins-lost-on-calls': where(({ tool_calls }) => tool_calls, without('pinned')),
  'pins-lost-on-parts': where(isParts, without('pinned')),
  'text-trimmed': texts((text) => text.trim() || text),
  'line-ends-changed': texts((text) => text.replaceAll('\r\n', '\n')),
  'text-normalised': texts((text) => text.normalize('NFC')),
  'text-compatible': texts((text) => text.normalize('NFKC')),
  'controls-lost': texts((text) => text.replaceAll('\0', '')),
  'markers-lost': texts((text) => text.replaceAll('<|im_end|>', '')),
  'system-as-user': where(
    ({ role }) => role === 'system',
    field('role', () => 'user'),
  ),
};

const LOST_MUTANTS = MODES.flatMap((mode) =>
  Object.entries(LOST).map(([name, edit]) => {
    const shapes = MESSAGE_SHAPES.filter(({ messages }) => messages.some((message) => differs(edit(message), message)));
    return mutant(`${name}-${mode}`, `of messages that are written as ${mode}: ${name.replaceAll('-', ' ')}`)
      .caughtBy(...shapes.map((shape) => `append.shapes-${mode}/${shape.name}`))
      .inMode(mode, (request, forward, from) => forward(withMessages(request, edit, from)));
  }),
);

/** A pin that was declined is none, and a null is as good as nothing. */
function differs(changed: Message, message: Message): boolean {
  const bare = ({ pinned, ...rest }: Json) => ({ ...rest, ...(pinned === true && { pinned }) });
  return !isDeepStrictEqual(bare(changed as Json), bare(message as Json));
}

/** What a limit may forget to count. */
const UNCOUNTED: Readonly<Record<string, Edit>> = {
  arguments: calls((call) => ({ ...call, function: { ...call.function, arguments: '{}' } })),
  'call-text': shortened(({ tool_calls }) => tool_calls),
  named: without('name'),
  parts: firstPart,
  result: shortened(({ role }) => role === 'tool'),
  system: shortened(({ role }) => role === 'system'),
  assistant: shortened(({ role, tool_calls }) => role === 'assistant' && !tool_calls),
  pinned: shortened(({ pinned }) => pinned === true),
  plain: shortened(({ role, pinned, name, content }) => role === 'user' && !pinned && !name && !Array.isArray(content)),
};

const checksOf = (cases: readonly { id: string; checks: object }[], id: string) =>
  Object.keys(cases.find((known) => known.id === id)?.checks ?? {}).map((name) => `${id}/${name}`);

/** Shapes that are no longer too large without what is not counted. */
function uncountedShapes(name: string, edit: Edit): string[] {
  if (name === 'named') return ['named'];
  const long = 'word '.repeat(400);
  const size = (messages: readonly Message[]) => JSON.stringify(messages).length;
  return Object.entries(SIZED_SHAPES)
    .filter(([, build]) => size(build(long).map(edit)) < size(build(long)) - 400)
    .map(([name]) => name);
}

const LIMIT_MUTANTS = ['limit', 'window'].flatMap((limit) =>
  MODES.filter((mode) => limit === 'limit' || mode !== 'create').flatMap((mode) => {
    const id = `append.${limit}-${mode}`;
    const known = checksOf(SIZE_CASES, id);
    return Object.entries(UNCOUNTED).map(([name, edit]) =>
      mutant(
        `${limit}-forgets-${name}-${mode}`,
        `the ${limit} of what is written as ${mode} does not count: ${name.replaceAll('-', ' ')}`,
      )
        .caughtBy(
          ...uncountedShapes(name, edit)
            .map((shape) => `${id}/${shape}-over`)
            .filter((check) => known.includes(check)),
        )
        .inMode(mode, async (request, forward, from) => {
          const response = await forward();
          const text = await response.clone().text();
          const refused = new RegExp(limit === 'limit' ? 'append_too_large' : 'context_window_exceeded').test(text);
          return refused ? forward(withMessages(request, edit, from)) : response;
        }),
    );
  }),
);

/** Everything counts a little more than it does, so that what fits exactly is refused. */
const STRICT_MUTANTS = ['limit', 'window'].flatMap((limit) =>
  MODES.filter((mode) => limit === 'limit' || mode !== 'create').map((mode) =>
    mutant(`${limit}-strict-${mode}`, `the ${limit} of what is written as ${mode} is a few tokens less`)
      .caughtBy(...checksOf(SIZE_CASES, `append.${limit}-${mode}`).filter((check) => check.endsWith('-exact')))
      .inMode(mode, async (request, forward, from) => {
        // Single messages also fill the window before, so that there it is the last token that is refused.
        if (limit === 'window' && mode === 'single') {
          const response = await forward();
          const full = (await response.clone().text()).includes('"remaining_tokens":0');
          return full ? refusal('context_window_exceeded') : response;
        }
        const longer = texts((text) => (text.length > 100 ? `${text} and a few more words` : text));
        const args = calls((call) => {
          const { arguments: given } = call.function;
          return {
            ...call,
            function: { ...call.function, arguments: given.length > 100 ? `${given}    [ ]` : given },
          };
        });
        return forward(withMessages(request, (message) => args(longer(message)), from));
      }),
  ),
);

/** Refusals that say too little, or come too late. */
const REFUSAL_MUTANTS = MODES.flatMap((mode): Mutant[] => {
  const id = `append.refused-${mode}`;
  const all = checksOf(REFUSAL_CASES, id);
  const cells = all.filter((check) => !/\/(?:changes-nothing|goes-on)$/.test(check));
  const refusals = (edit: (text: string) => string) =>
    inMode(mode, async (_, forward) => {
      const response = await forward();
      const text = await response.clone().text();
      return text.includes('"error"') ? editText(response, edit) : response;
    });
  const named = cells.filter((check) => /\/(?:open-(?:user|system|assistant|call|named|in-one-write))$/.test(check));
  return [
    mutant(`refusals-unclear-${mode}`, `what is refused as ${mode} is refused with another type`)
      .caughtBy(...cells)
      .proxy(() => refusals((text) => text.replaceAll('"type":"invalid_request_error"', '"type":"bad_request"'))),
    mutant(`limit-unnamed-${mode}`, `what is too large as ${mode} is refused without a number`)
      .caughtBy(`append.limit-${mode}/both-named`)
      .proxy(() => refusals((text) => text.replace(/\d+ tokens|counts \d+/g, 'too many'))),
    mutant(`refusals-late-${mode}`, `what is refused as ${mode} has stored a message before`)
      .caughtBy(`${id}/changes-nothing`)
      .storedBefore(mode),
    mutant(
      `results-in-order-${mode}`,
      `results that are written as ${mode} are accepted in the order of their calls only`,
    )
      .caughtBy(`${id}/goes-on`)
      .inMode(mode, async (request, forward) => {
        const results = writtenBy(request).map((message) => String((message as Json).tool_call_id));
        const [first, third] = [results.indexOf('call_a'), results.indexOf('call_c')];
        const early = third !== -1 && (first === -1 || first > third);
        return early ? refusal('tool_result_orphan') : forward();
      }),
    ...(named.length > 0
      ? [
          mutant(
            `first-open-call-named-${mode}`,
            `of several open calls, what is refused as ${mode} names the first only`,
          )
            .caughtBy(...named)
            .proxy(() => refusals((text) => text.replace(/call_a(?:, | and )+call_c/g, 'call_a'))),
          mutant(`answered-call-named-${mode}`, `what is refused as ${mode} names calls that are answered too`)
            .caughtBy(...named)
            .proxy(() => refusals((text) => text.replace(/call_a/g, 'call_a, call_b'))),
        ]
      : []),
    mutant(`empty-stored-${mode}`, `empty messages that are written as ${mode} are stored with a blank`)
      .caughtBy(...cells.filter((check) => check.includes('/empty-') && !/null|absent/.test(check)))
      .inMode(mode, (request, forward, from) =>
        forward(
          withMessages(
            request,
            texts((text) => (text === '' ? ' ' : text)),
            from,
          ),
        ),
      ),
  ];
});

function storedBefore(mode: string): Handler {
  return inMode(mode, async (request: Passing, forward: Forward) => {
    const response = await forward();
    const text = await response.clone().text();
    if (!text.includes('"error"')) return response;
    const { session_id } = (request.body ?? {}) as { session_id?: string };
    const id = session_id ?? /^\/v1\/sessions\/([^/]+)/.exec(request.path)?.[1] ?? (await newest(request, forward));
    const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' };
    const open = /call_a|call_c/.test(text)
      ? { role: 'tool', tool_call_id: 'call_a', content: 'x' }
      : { role: 'user', content: 'x' };
    await (
      await forward({ method: 'POST', path: `/v1/sessions/${id}/messages`, search: '', headers, body: open })
    ).text();
    return response;
  });
}

async function newest({ headers }: Passing, forward: Forward): Promise<string> {
  const sent = { method: 'GET', path: '/v1/sessions', search: '?limit=1', headers, body: undefined };
  const { data } = (await (await forward(sent)).json()) as { data: { id: string }[] };
  return data[0]?.id ?? '';
}

export const APPEND_CELL_MUTANTS: readonly Mutant[] = [
  ...LOST_MUTANTS,
  ...LIMIT_MUTANTS,
  ...STRICT_MUTANTS,
  ...REFUSAL_MUTANTS,
].filter(({ caughtBy }) => caughtBy.length > 0);
