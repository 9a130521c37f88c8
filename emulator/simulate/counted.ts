import type { ChatRequest } from '../../contract/chat.ts';
import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { replyOf } from '../chat/complete.ts';
import { type Reply, storedReply } from '../chat/reply.ts';
import { promptSettings, type Settings, settingsOf } from '../chat/settings.ts';
import { answeredCalls, type PromptCounter } from '../engines/tokens/prompt.ts';
import type { Model, ModelDelta } from '../models/model.ts';
import type { ServedModel } from '../models/profiles.ts';
import { sizeItem, type WriteItem } from '../sessions/write.ts';
import type { Toolset } from '../store/sessions.ts';
import type { Dialogue } from './transcript.ts';

/** A round as one model counts it. */
export interface CountedRound {
  /** What comes before the answer, in writes that each fit the limit; the last one goes with the request. */
  readonly writes: readonly (readonly WriteItem[])[];
  /** The answer, as it is stored. */
  readonly answer: readonly WriteItem[];
  readonly outputTokens: number;
  readonly callsIssued: number;
  /** Milliseconds after the first round. */
  readonly at: number;
}

/** A dialogue as one model counts it: once, for all settings. */
export interface CountedDialogue {
  /** Pinned, in writes that each fit the limit. */
  readonly instructions: readonly (readonly WriteItem[])[];
  readonly toolset: Toolset;
  readonly rounds: readonly CountedRound[];
  readonly request: ChatRequest;
  readonly settings: Settings;
  /** Tokens that a request adds to its messages. */
  readonly addedTokens: number;
  readonly counter: PromptCounter;
  readonly notes: readonly string[];
}

/** Share of a clipped result that is its head, as in the client. */
const HEAD = 0.6;
const SHRINK = 0.9;

/**
 * Counts a dialogue for a model. Calls get the ids that the model gives them. A text that is too large for one write is cut into
 * several messages, and the result of a tool in its middle.
 * @param gapMs between rounds without times
 */
export async function countDialogue(dialogue: Dialogue, served: ServedModel, gapMs: number): Promise<CountedDialogue> {
  const { profile, limits } = served;
  const counter = await served.counter();
  const request: ChatRequest = { model: profile.id, messages: [] };
  const settings = settingsOf(request, served);
  const size = async (body: ChatMessage, before: readonly ChatMessage[]): Promise<WriteItem> => {
    const answered = answeredCalls(before, [body])[0];
    return { ...(await sizeItem(served, counter, body, answered)), pinned: undefined };
  };
  const fit = new Fit(limits.append_tokens, counter, size);
  const rounds: CountedRound[] = [];
  const ids = new Map<string, string>();
  let calls = 0;
  let last: ChatMessage[] = [];
  for (const [place, { input, answer, at }] of dialogue.rounds.entries()) {
    const named = input.map((body) => rename(body, ids));
    const writes = await fit.writes(named, last);
    const reply = await replyTo(answer, { counter, settings, profile, firstCall: calls });
    for (const [index, { id }] of (answer.tool_calls ?? []).entries()) ids.set(id, reply.calls[index]?.id ?? id);
    const stored = storedReply(reply, [], false, { profile, counter });
    last = stored.map(({ body }) => body);
    calls += reply.calls.length;
    rounds.push({
      writes,
      answer: stored,
      outputTokens: reply.completionTokens,
      callsIssued: reply.calls.length,
      at: at ?? place * gapMs,
    });
  }
  const instructions = (await fit.writes(dialogue.instructions, [])).map((items) =>
    items.map((item) => ({ ...item, pinned: true as const })),
  );
  const toolset = { tools: [...dialogue.tools], tokens: await counter.tools(dialogue.tools) };
  const addedTokens = await counter.request(promptSettings(request, settings), false);
  const counted = {
    instructions,
    toolset,
    rounds: inOrder(rounds),
    request,
    settings,
    addedTokens,
    counter,
  };
  return { ...counted, notes: [...dialogue.notes, ...fit.notes(limits.append_tokens)] };
}

/** Logs may tell times that go back: a clock does not. */
function inOrder(rounds: readonly CountedRound[]): CountedRound[] {
  let latest = 0;
  return rounds.map((round) => {
    latest = Math.max(latest, round.at);
    return { ...round, at: latest };
  });
}

function rename(body: ChatMessage, ids: ReadonlyMap<string, string>): ChatMessage {
  if (body.tool_call_id === undefined) return body;
  return { ...body, tool_call_id: ids.get(body.tool_call_id) ?? body.tool_call_id };
}

/** The recorded answer as the model gives it. */
function replyTo(answer: ChatMessage, turn: Parameters<typeof replyOf>[0]): Promise<Reply> {
  const text = contentText(answer.content);
  const deltas: ModelDelta[] = [
    ...(answer.reasoning_content ? [{ type: 'reasoning' as const, text: answer.reasoning_content }] : []),
    ...(text === '' ? [] : [{ type: 'text' as const, text }]),
    ...(answer.tool_calls ?? []).map(({ function: call }) => ({ type: 'tool_call' as const, ...call })),
  ];
  const model: Model = {
    name: 'recorded',
    async *complete() {
      yield* deltas;
    },
  };
  const settings = { ...turn.settings, maxTokens: Number.MAX_SAFE_INTEGER };
  return replyOf({ ...turn, settings }, model, {
    model: turn.profile.id,
    messages: [],
    tools: [],
    partial: false,
    toolChoice: 'auto',
    responseFormat: { type: 'text' },
    maxTokens: Number.MAX_SAFE_INTEGER,
    temperature: 0,
  });
}

/** Makes writes of messages that each fit the limit. */
class Fit {
  readonly #limit: number;
  readonly #counter: PromptCounter;
  readonly #size: (body: ChatMessage, before: readonly ChatMessage[]) => Promise<WriteItem>;
  #divided = 0;
  #clipped = 0;

  constructor(
    limit: number,
    counter: PromptCounter,
    size: (body: ChatMessage, before: readonly ChatMessage[]) => Promise<WriteItem>,
  ) {
    this.#limit = limit;
    this.#counter = counter;
    this.#size = size;
  }

  /** One write at least. @param before the answer that the messages come behind */
  async writes(messages: readonly ChatMessage[], before: readonly ChatMessage[]): Promise<WriteItem[][]> {
    const writes: WriteItem[][] = [[]];
    let room = this.#limit;
    for (const message of messages) {
      for (const item of await this.#fitting(message, before)) {
        const tokens = item.tokens + item.reasoning;
        if (tokens > room && writes.at(-1)?.length !== 0) {
          writes.push([]);
          room = this.#limit;
        }
        writes.at(-1)?.push(item);
        room -= tokens;
      }
    }
    return writes;
  }

  notes(limit: number): string[] {
    const shown = limit.toLocaleString('en-US');
    return [
      ...(this.#divided > 0 ? [`texts over ${shown} tokens are written in several messages: ${this.#divided}`] : []),
      ...(this.#clipped > 0 ? [`results of tools over ${shown} tokens are cut in their middle: ${this.#clipped}`] : []),
    ];
  }

  async #fitting(message: ChatMessage, before: readonly ChatMessage[]): Promise<WriteItem[]> {
    const whole = await this.#size(message, before);
    if (whole.tokens <= this.#limit) return [whole];
    if (message.role !== 'tool') {
      this.#divided += 1;
      return this.#divide(message, whole);
    }
    this.#clipped += 1;
    const text = contentText(message.content);
    let keep = text.length;
    for (let item = whole; ; ) {
      keep = Math.floor(keep * Math.min(SHRINK, (SHRINK * this.#limit) / item.tokens));
      item = await this.#size({ ...message, content: clip(text, keep) }, before);
      if (item.tokens <= this.#limit) return [item];
    }
  }

  async #divide(message: ChatMessage, whole: WriteItem): Promise<WriteItem[]> {
    const items: WriteItem[] = [];
    const { tokens: frame } = await this.#size({ ...message, content: '' }, []);
    let rest = contentText(whole.body.content);
    while (rest !== '') {
      const head = await this.#counter.tokenizer.prefixWithin(rest, this.#limit - frame);
      const line = head.length < rest.length ? head.lastIndexOf('\n') + 1 : head.length;
      const content = line > head.length / 2 ? head.slice(0, line) : head;
      items.push(await this.#size({ ...message, content }, []));
      rest = rest.slice(content.length);
    }
    return items;
  }
}

function clip(text: string, units: number): string {
  const head = text.slice(0, Math.floor(units * HEAD)).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(text.length - Math.floor(units * (1 - HEAD))).replace(/^[\udc00-\udfff]/, '');
  const leftOut = text.length - head.length - tail.length;
  return `${head}\n[... ${leftOut} characters left out, too large for one write ...]\n${tail}`;
}
