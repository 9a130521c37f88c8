import { BadRequestError } from 'openai';
import { contentText } from '../../contract/content-text.ts';
import type { InputMessage } from '../../contract/messages.ts';
import type { KimiClient } from '../kimi-client.ts';
import { isSplittable, messageBytes } from './plan-writes.ts';

/** The generation prompt, which an estimate counts with the messages. */
const GENERATION_PROMPT_TOKENS = 3;
/** Share of a clipped text that is its head. */
const HEAD = 0.6;
const SHRINK = 0.9;

export interface WriteLimit {
  client: KimiClient;
  model: string;
  appendTokens: number;
  /** Whether a tool result that is too large is clipped, or refused. */
  clip: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Messages none of which is too large for one write though it cannot be split. Asked before anything of a turn is written,
 * and of the server only where a message might be too large.
 * @throws BadRequestError `append_too_large`
 */
export async function fitUnsplittable(messages: readonly InputMessage[], limit: WriteLimit): Promise<InputMessage[]> {
  const fitting: InputMessage[] = [];
  for (const message of messages) {
    const mayBeTooLarge = !isSplittable(message) && messageBytes(message) > limit.appendTokens;
    fitting.push(mayBeTooLarge ? await fitOne(message, limit) : message);
  }
  return fitting;
}

/** The head and the tail of a text, and between them how much is left out. */
export function clipText(text: string, keepUnits: number): string {
  const head = wholeHead(text, Math.floor(keepUnits * HEAD));
  const tail = wholeTail(text, Math.floor(keepUnits * (1 - HEAD)));
  const leftOut = text.length - head.length - tail.length;
  return leftOut <= 0 ? text : `${head}\n[... ${leftOut} characters left out, too large for one write ...]\n${tail}`;
}

async function fitOne(message: InputMessage, limit: WriteLimit): Promise<InputMessage> {
  const text = contentText(message.content);
  let fitting = message;
  let keep = text.length;
  for (;;) {
    const tokens = await countTokens(fitting, limit);
    if (tokens <= limit.appendTokens) return fitting;
    keep = Math.floor(keep * Math.min(SHRINK, (SHRINK * limit.appendTokens) / tokens));
    if (!limit.clip || message.role !== 'tool' || keep < 1) throw tooLarge(tokens, limit.appendTokens);
    fitting = { ...message, content: clipText(text, keep) };
  }
}

async function countTokens(message: InputMessage, { client, model, signal }: WriteLimit): Promise<number> {
  const body = { model, messages: [message] };
  const { data } = await client.post<{ data: { total_tokens: number } }>('/tokenizers/estimate-token-count', {
    body,
    signal,
  });
  return data.total_tokens - GENERATION_PROMPT_TOKENS;
}

/** The server's own refusal, made here because part of the turn would be written before the server could make it. */
function tooLarge(tokens: number, limit: number): BadRequestError {
  const message = `Invalid request: one write takes at most ${limit} tokens (append_tokens), this one counts ${tokens} and cannot be split`;
  const error = { message, type: 'invalid_request_error', code: 'append_too_large', param: 'messages' };
  return new BadRequestError(400, error, undefined, new Headers());
}

function wholeHead(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udbff]$/, '');
}

function wholeTail(text: string, units: number): string {
  return units === 0 ? '' : text.slice(-units).replace(/^[\udc00-\udfff]/, '');
}
