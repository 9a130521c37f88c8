import { type ChatMessage, type ContentPart, contentText } from '../../contract/messages.ts';
import type { SessionTruncation, TruncateRequest } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { answeredCalls, type MessageSize, type PromptCounter } from '../engines/tokens/prompt.ts';
import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import { asNewEntry, type NewEntry, type StoredMessage, type View } from '../store/entries.ts';
import { findCut } from '../store/history.ts';
import type { SessionRow } from '../store/sessions.ts';
import { saveSession, toUsage } from './session.ts';
import { bodyOf } from './write.ts';

/** Cuts the head of the window. Nothing to cut is a success that changes nothing. */
export function truncate(
  services: Services,
  cuts: PreparedCuts,
  session: SessionRow,
  { preserve_len, dry_run = false }: TruncateRequest,
): { session: SessionRow; result: SessionTruncation } {
  const before = toUsage(services, session);
  const plan = () => keepWithin(services, cuts, session, preserve_len);
  const view = dry_run ? services.store.rehearse(plan) : plan();
  const next = view !== session.view && !dry_run ? saveSession(services, session, { view }) : session;
  const after = toUsage(services, { ...session, view });
  const result: SessionTruncation = {
    object: 'session.truncation',
    session_id: session.id,
    preserve_len,
    removed: { messages: before.messages - after.messages, tokens: before.total_tokens - after.total_tokens },
    before,
    after,
    version: next.version,
    dry_run,
  };
  return { session: next, result };
}

/**
 * What truncate keeps of a window: tools, held messages, and the longest run of newest groups within `preserveLen`. If
 * not even the newest group fits, its texts are cut at the head. The same view where nothing has to go.
 * @throws ApiError `preserve_len_too_small`, naming the least that would do; CutMissing
 */
export function keepWithin(
  services: Services,
  cuts: PreparedCuts,
  { model, view, toolset }: Pick<SessionRow, 'model' | 'view' | 'toolset'>,
  preserveLen: number,
): View {
  requirePreserveLen(services, preserveLen);
  const { history, toolsets } = services.store;
  const tools = toolsets.tokens(toolset);
  const budget = preserveLen - tools;
  const floor = view.messages === 0 && budget < 0 ? undefined : findCut(history, view, budget);
  if (floor === view.floor) return view;
  if (floor !== undefined) return history.measure({ ...view, floor });
  const newest = history.newestGroup(view);
  const { keptAfter } = history.reasoning(view);
  const group = newest.map((message) => (message.seq > keptAfter ? message : { ...message, reasoning: 0 }));
  const groupTokens = group.reduce((sum, message) => sum + message.tokens + message.reasoning, 0);
  const first = newest[0];
  const others = first ? history.measure({ ...view, floor: first.seq }).tokens - groupTokens : 0;
  const cut = cuts.newestGroup(model, group, budget - others);
  if (!first || 'least' in cut) {
    const least = tools + others + ('least' in cut ? cut.least : 0);
    throw new ApiError('preserve_len_too_small', { least });
  }
  return history.replaceTail(view, first.seq, cutEntries(newest, cut), first.seq);
}

/** @throws ApiError `preserve_len_too_small` */
export function requirePreserveLen({ limits }: Services, preserveLen: number): void {
  if (preserveLen >= limits.min_preserve_tokens) return;
  throw new ApiError('preserve_len_too_small', { least: limits.min_preserve_tokens, asked: preserveLen });
}

export function cutFacts(
  { removed, after }: SessionTruncation,
  { view }: SessionRow,
): NonNullable<JournalEffects['cut']> {
  return { ...removed, total: after.total_tokens, first_place: view.floor };
}

/**
 * The cuts of one request. A change cannot wait in its transaction for a long text to be cut: it is given up there, the
 * cut is made in slices, and the change is tried again, on whatever the state then is.
 */
export class PreparedCuts {
  readonly #services: Services;
  readonly #known = new Map<string, GroupCut>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** As `cutNewestGroup` has it. @throws CutMissing where it must be worked out first */
  newestGroup(model: string, group: readonly StoredMessage[], budget: number): GroupCut {
    const places = group.map(({ id, message, tokens, reasoning, held }) => [id, message, tokens, reasoning, held]);
    const key = JSON.stringify([model, budget, ...places]);
    const known = this.#known.get(key);
    if (known) return known;
    throw new CutMissing(async () => {
      const counter = await this.#services.profiles.of(model).counter();
      this.#known.set(key, await cutNewestGroup(counter, group, budget));
    });
  }
}

/** For rules that may have to cut a text in their transaction. */
export function prepareCuts(services: Services): () => Promise<PreparedCuts> {
  return async () => new PreparedCuts(services);
}

/** Never gets out of a mutation, which works the cut out and attempts the change anew. */
export class CutMissing extends Error {
  readonly workOut: () => Promise<void>;

  constructor(workOut: () => Promise<void>) {
    super('a cut is not worked out');
    this.workOut = workOut;
  }
}

interface Sized extends MessageSize {
  body: ChatMessage;
}

/** The cut members of a group by their place, undefined where they stay as they are; or the least tokens that it takes. */
type GroupCut = readonly (Sized | undefined)[] | { least: number };

/** How far a suffix's count alone may be off its count behind a tool result's heading. */
const BORDER_TOKENS = 2;

/**
 * Cuts the newest group to `budget` tokens: reasoning before texts, then tool results before the rest, the oldest first, each
 * at its head to the longest tail that does it. No text is emptied, no message or call is dropped, and a picture or a video
 * goes as a whole or stays; of reasoning nothing need stay. Works in slices.
 * @param group with the reasoning that its window keeps
 * @returns the tokens it takes at the very least, where those are more than `budget` or a pin forbids the cut
 */
export async function cutNewestGroup(
  counter: PromptCounter,
  group: readonly StoredMessage[],
  budget: number,
): Promise<GroupCut> {
  const cuts: (Sized | undefined)[] = group.map(() => undefined);
  const answered = answeredCalls([], group.map(bodyOf));
  let excess = group.reduce((sum, message) => sum + message.tokens + message.reasoning, 0) - budget;
  const places = group.some((message) => message.held) ? [] : [...group.entries()];
  for (const [place, message] of places) {
    if (excess <= 0 || message.reasoning === 0) continue;
    const cut = await cutReasoning(counter, message, message.reasoning - excess);
    excess -= message.reasoning - cut.reasoning;
    if (cut.body !== message.body) cuts[place] = cut;
  }
  const order = [
    ...places.filter(([, message]) => isResult(message)),
    ...places.filter(([, message]) => !isResult(message)),
  ];
  for (const [place, message] of order) {
    if (excess <= 0) break;
    const whole = cuts[place] ?? message;
    const size = async (body: ChatMessage): Promise<Sized> => ({
      ...(await counter.message(body, answered[place])),
      body,
      reasoning: whole.reasoning,
    });
    const cutContent = hasMedia(whole.body) ? cutParts : cutText;
    const cut = await cutContent(counter.tokenizer, whole, size, whole.tokens - excess);
    excess -= whole.tokens - cut.tokens;
    if (cut.body !== message.body) cuts[place] = cut;
  }
  return excess > 0 ? { least: budget + excess } : cuts;
}

/** The group with its texts cut. */
export function cutEntries(group: readonly StoredMessage[], cuts: readonly (Sized | undefined)[]): NewEntry[] {
  return group.map((message, place) => {
    const entry = { ...asNewEntry(message), opensGroup: place === 0 };
    const cut = cuts[place];
    if (!cut) return entry;
    const { id, summary, createdAt } = message;
    const shortened = { id, body: cut.body, truncated: true, summary, createdAt };
    return { ...entry, message: shortened, tokens: cut.tokens, reasoning: cut.reasoning };
  });
}

/** A message whose reasoning is its longest tail within `allowed` tokens, or nothing. */
async function cutReasoning(
  counter: PromptCounter,
  { body, tokens, reasoning }: StoredMessage,
  allowed: number,
): Promise<Sized> {
  const text = body.reasoning_content ?? '';
  if (text === '') return { body, tokens, reasoning };
  const frame = counter.emptyAnswer.reasoning;
  const tail = allowed > frame ? await counter.tokenizer.suffixWithin(text, allowed - frame) : '';
  const cut = { ...body, reasoning_content: tail };
  return { body: cut, tokens, reasoning: (await counter.message(cut)).reasoning };
}

/** A message whose text is its longest tail within `allowed` tokens in all, or, failing that, its last character. */
async function cutText(
  tokenizer: Tokenizer,
  whole: Sized,
  size: (body: ChatMessage) => Promise<Sized>,
  allowed: number,
): Promise<Sized> {
  const { body } = whole;
  const text = contentText(body.content);
  if (text === '') return whole;
  const withText = (content: string): Promise<Sized> => size({ ...body, content });
  const frame = (await withText('')).tokens;
  let fitting: Sized | undefined;
  let tooLong = '';
  for (let budget = allowed - frame + (isResult({ body }) ? BORDER_TOKENS : 0); budget > 0; budget -= 1) {
    const tail = await tokenizer.suffixWithin(text, budget);
    if (tail === '') break;
    const cut = await withText(tail);
    if (cut.tokens <= allowed) {
      fitting = cut;
      break;
    }
    // The longest of them: a shorter one may not fit where one between the two does.
    tooLong ||= tail;
  }
  fitting ??= await withText(Array.from(text.slice(-2)).at(-1) ?? text);
  for (const tail of tailsThatJoin(contentText(fitting.body.content), tooLong)) {
    const cut = await withText(tail);
    if (cut.tokens <= allowed) return cut;
  }
  return fitting.tokens < whole.tokens ? fitting : whole;
}

function hasMedia({ content }: ChatMessage): boolean {
  return Array.isArray(content) && content.some(({ type }) => type !== 'text');
}

/** The same of a message with pictures or videos: its last parts, the first of them cut where it is a text. */
async function cutParts(
  tokenizer: Tokenizer,
  whole: Sized,
  size: (body: ChatMessage) => Promise<Sized>,
  allowed: number,
): Promise<Sized> {
  const { body } = whole;
  const parts = Array.isArray(body.content) ? body.content : [];
  const withParts = (content: ContentPart[]): Promise<Sized> => size({ ...body, content });
  const frame = (await withParts([])).tokens;
  let kept: ContentPart[] = [];
  let room = allowed - frame;
  for (const part of parts.toReversed()) {
    const tokens = (await withParts([part])).tokens - frame;
    const fits = tokens <= room;
    const left = fits ? part : await tailOf(tokenizer, part, room);
    if (left) kept = [left, ...kept];
    if (!fits) break;
    room -= tokens;
  }
  // Parts may count more together than one by one.
  for (; kept.length > 1; kept = kept.slice(1)) {
    const cut = await withParts(kept);
    if (cut.tokens <= allowed) return cut;
  }
  const least = kept.length > 0 ? kept : parts.slice(-1).map(lastOf);
  const cut = await withParts(least);
  return cut.tokens < whole.tokens ? cut : whole;
}

/** The longest tail of a text within so many tokens; undefined where there is none, as of a picture. */
async function tailOf(tokenizer: Tokenizer, part: ContentPart, tokens: number): Promise<ContentPart | undefined> {
  if (part.type !== 'text' || tokens <= 0) return undefined;
  const text = await tokenizer.suffixWithin(part.text, tokens);
  return text === '' ? undefined : { ...part, text };
}

/** The last character of a text, or a picture as it is. */
function lastOf(part: ContentPart): ContentPart {
  if (part.type !== 'text') return part;
  return { ...part, text: Array.from(part.text.slice(-2)).at(-1) ?? part.text };
}

/**
 * Tails between one that fits and one that does not, the longest first. Text alone they count alike; behind a tool
 * result's heading, whose line break may be one piece with what follows it, one of them may fit as well.
 */
function tailsThatJoin(fitting: string, tooLong: string): string[] {
  const [, ...characters] = tooLong.slice(0, Math.max(0, tooLong.length - fitting.length));
  const fittingJoins = joinsLineBreak(fitting);
  return characters
    .map((_, place) => characters.slice(place).join(''))
    .filter((head) => joinsLineBreak(head) || (fittingJoins && leadingSpace(head) === head))
    .map((head) => head + fitting);
}

/** Whether a piece may hold the beginning of the text and a line break before it. */
function joinsLineBreak(text: string): boolean {
  return text.startsWith('/') || /[\r\n]/.test(leadingSpace(text));
}

function leadingSpace(text: string): string {
  return /^\p{White_Space}*/u.exec(text)?.[0] ?? '';
}

function isResult({ body }: Pick<StoredMessage, 'body'>): boolean {
  return body.role === 'tool';
}
