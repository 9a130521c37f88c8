import { wholeCharacters } from '../chat/reply.ts';
import { members, usageIn } from '../gateway/usage.ts';
import { toEvent } from '../http/streams.ts';
import { eventsOf, listOf, type TapedEvent } from './events.ts';
import type { Form } from './request.ts';
import type { TapedAnswer, TapedExchange } from './tape.ts';

type Json = Record<string, unknown>;

const OK = 200;
/** Characters of a chunk that was not recorded as one. */
const CHUNK_CHARACTERS = 16;

/** A recorded answer in the form that was asked for now. A refusal has the same form in all of them. */
export async function inForm({ form: recorded, answer }: TapedExchange, form: Form): Promise<TapedAnswer> {
  if (form === recorded || answer.status !== OK) return answer;
  const type = answer.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const isStream = /^text\/event-stream\b/i.test(type);
  if (form === 'plain') return isStream ? toCompletion(answer) : answer;
  if (isStream) return withUsage(answer, form === 'stream with usage');
  // A server that answered a request for a stream with something else would do it again.
  return recorded === 'plain' ? toStream(answer, form === 'stream with usage') : answer;
}

function withType({ headers, ...answer }: TapedAnswer, type: string, parts: TapedAnswer['parts']): TapedAnswer {
  const others = headers.filter(([name]) => name.toLowerCase() !== 'content-type');
  return { ...answer, headers: [['Content-Type', type], ...others], parts };
}

/** A stream with the chunk that tells of usage alone, or without it. */
async function withUsage(answer: TapedAnswer, wanted: boolean): Promise<TapedAnswer> {
  const events = await eventsOf(answer.parts);
  const isUsage = ({ chunk }: TapedEvent) => chunk?.usage != null && listOf(chunk.choices).length === 0;
  if (!wanted) {
    const others = events.filter((event) => !isUsage(event));
    return { ...answer, parts: others.map(({ at, raw, chunk }) => [at, chunk?.usage === null ? less(chunk) : raw]) };
  }
  const told = events.findLast(({ chunk }) => usageIn(chunk) !== undefined);
  const done = events.findIndex(({ raw }) => /^data: ?\[DONE\]/.test(raw));
  if (!told?.chunk || done === -1 || events.some(isUsage)) return answer;
  const { choices: _, usage: __, ...heading } = told.chunk;
  const usage = { at: told.at, raw: toEvent({ ...heading, choices: [], usage: usageIn(told.chunk)?.told }) };
  return {
    ...answer,
    parts: events.toSpliced(done, 0, { ...usage, chunk: undefined }).map(({ at, raw }) => [at, raw]),
  };
}

function less({ usage: _, ...chunk }: NonNullable<TapedEvent['chunk']>): string {
  return toEvent(chunk);
}

/** What would have been answered if no stream had been asked for: its pieces put together. */
async function toCompletion(answer: TapedAnswer): Promise<TapedAnswer> {
  const events = await eventsOf(answer.parts);
  const failed = events.find(({ chunk }) => chunk?.error != null);
  const at = events.at(-1)?.at ?? 0;
  const json = 'application/json; charset=utf-8';
  if (failed) return { ...withType(answer, json, [[at, JSON.stringify(failed.chunk)]]), status: 500, statusText: '' };
  const whole: Json = {};
  const choices: Json[] = [];
  for (const { chunk } of events) {
    if (!chunk) continue;
    const { choices: some, ...heading } = chunk;
    Object.assign(whole, { ...heading, usage: chunk.usage ?? whole.usage });
    for (const [place, { delta, usage, ...choice }] of listOf(some).entries()) {
      const index = Number(choice.index ?? place);
      const known = choices.find((each) => each.index === index) ?? { index, message: {} };
      if (!choices.includes(known)) choices.push(known);
      whole.usage ??= usage;
      Object.assign(known, { ...withoutNulls(choice), message: joined(members(known.message), members(delta)) });
    }
  }
  const { usage, ...heading } = whole;
  const completion = {
    ...heading,
    object: 'chat.completion',
    choices: choices.sort((a, b) => Number(a.index) - Number(b.index)),
    ...(usage != null && { usage }),
  };
  return withType(answer, json, [[at, JSON.stringify(completion)]]);
}

function withoutNulls(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/** A message and one more piece of it: texts grow, calls by their index, and all else is as it came last. */
function joined(message: Readonly<Json>, delta: Readonly<Json>): Json {
  const result = { ...message };
  for (const [name, piece] of Object.entries(delta)) {
    const before = result[name];
    if (name === 'tool_calls') result[name] = joinedCalls(listOf(before), listOf(piece));
    else if (typeof before === 'string' && typeof piece === 'string' && name !== 'role') result[name] = before + piece;
    else if (piece !== null || before === undefined) result[name] = piece;
  }
  return result;
}

function joinedCalls(calls: readonly Json[], pieces: readonly Json[]): Json[] {
  const result = [...calls];
  for (const [place, { function: piece, ...call }] of pieces.entries()) {
    const at = result.findIndex((each) => each.index === (call.index ?? place));
    const known = result[at] ?? { index: place };
    const { arguments: more, ...named } = members(piece);
    const { arguments: before, ...before_named } = members(known.function);
    const text = `${before ?? ''}${more ?? ''}`;
    const next = {
      ...known,
      ...withoutNulls(call),
      function: { ...before_named, ...withoutNulls(named), arguments: text },
    };
    if (at === -1) result.push(next);
    else result[at] = next;
  }
  return result;
}

/** What would have been streamed: the captured order, in pieces of a few characters. */
function toStream(answer: TapedAnswer, wantsUsage: boolean): TapedAnswer {
  const at = answer.parts.at(-1)?.[0] ?? 0;
  const body = answer.parts.map(([, part]) => part).join('');
  const { choices, usage, object: _, session: __, ...heading } = members(parsed(body));
  if (!Array.isArray(choices)) return answer;
  const frame = { ...heading, object: 'chat.completion.chunk' };
  const all = listOf(choices);
  const chunks = all.flatMap(({ index, message, finish_reason, ...others }) => {
    const { role, reasoning_content, ...told } = members(message);
    const inOrder = Object.entries({ reasoning_content, ...told });
    const spoken = inOrder.flatMap(([name, value]) => piecesOf(name, value));
    const deltas = [{ role: role ?? 'assistant', content: '' }, ...spoken];
    const finish = { index, delta: {}, finish_reason, ...others, ...(all.length === 1 && usage != null && { usage }) };
    return [...deltas.map((delta) => ({ index, delta, finish_reason: null })), finish];
  });
  const events = [
    ...chunks.map((choice) => toEvent({ ...frame, choices: [choice] })),
    ...(wantsUsage && usage != null ? [toEvent({ ...frame, choices: [], usage })] : []),
    'data: [DONE]\n\n',
  ];
  return withType(
    answer,
    'text/event-stream',
    events.map((event) => [at, event]),
  );
}

function piecesOf(name: string, value: unknown): Json[] {
  if (typeof value === 'string') return pieces(value).map((piece) => ({ [name]: piece }));
  if (name !== 'tool_calls') return value == null ? [] : [{ [name]: value }];
  return listOf(value).flatMap((call, index) => {
    const { arguments: text, ...named } = members(call.function);
    const opening = { index, ...call, function: { ...named, arguments: '' } };
    const rest = { index: opening.index, function: { arguments: text } };
    return [{ tool_calls: [opening] }, ...(text === '' || text == null ? [] : [{ tool_calls: [rest] }])];
  });
}

function pieces(text: string): string[] {
  const result: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const head = wholeCharacters(rest, CHUNK_CHARACTERS) || rest.slice(0, 2);
    result.push(head);
    rest = rest.slice(head.length);
  }
  return result;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
