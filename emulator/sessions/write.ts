import { LIVE_TEXT } from '../../contract/errors.ts';
import { type ChatMessage, contentText, type InputMessage } from '../../contract/messages.ts';
import { messageTokensSliced } from '../engines/tokens/chat-template.ts';
import type { TokenizerSource } from '../engines/tokens/tokenizer.ts';
import { ApiError, invalid } from '../errors.ts';
import { type Pairing, type PairingFault, pair } from './groups.ts';

/** One message on its way into a window, counted. */
export interface WriteItem {
  body: ChatMessage;
  tokens: number;
  /** Undefined where the client said nothing: then a leading system message is pinned, and nothing else. */
  pinned: boolean | undefined;
}

/** Messages that are written together or not at all. */
export interface Write {
  items: WriteItem[];
  tokens: number;
}

/** Counts the messages of one write. Gives way to the event loop while it does. */
export async function countWrite(source: TokenizerSource, messages: readonly InputMessage[]): Promise<Write> {
  const tokenizer = await source.load();
  const items: WriteItem[] = [];
  let tokens = 0;
  for (const message of messages) {
    const body = toChatMessage(message);
    const size = await messageTokensSliced(tokenizer, body);
    items.push({ body, tokens: size, pinned: message.pinned });
    tokens += size;
  }
  return { items, tokens };
}

/** What is stored of a message: everything that the model reads, and none of the flags. */
export function toChatMessage(message: InputMessage): ChatMessage {
  const body: ChatMessage = { role: message.role, content: message.content ?? null };
  if (message.name !== undefined) body.name = message.name;
  if (message.role === 'assistant' && message.tool_calls) {
    body.tool_calls = message.tool_calls.map(({ id, type, function: call }) => ({ id, type, function: call }));
  }
  if (message.role === 'tool') body.tool_call_id = message.tool_call_id;
  return body;
}

/**
 * Refuses messages that say nothing, as the live API does.
 * @throws ApiError the live text; where a session is addressed, with the field
 */
export function requireContent(messages: readonly InputMessage[], addressed: boolean): void {
  const index = messages.findIndex(isEmpty);
  if (index === -1) return;
  const field = `messages[${index}].content`;
  if (addressed) throw invalid(`${field}: ${LIVE_TEXT.contentEmpty}`, field);
  throw new ApiError('content_empty', { index });
}

function isEmpty(message: InputMessage): boolean {
  if (message.role === 'assistant' && message.tool_calls) return false;
  return contentText(message.content) === '';
}

/**
 * Groups the items behind the newest group of a session.
 * @throws ApiError `tool_result_orphan`, `tool_call_unanswered` or `invalid_request`, naming the ids
 */
export function pairOrRefuse(newest: readonly ChatMessage[], items: readonly WriteItem[]): Pairing {
  const pairing = pair(
    newest,
    items.map((item) => item.body),
  );
  if ('kind' in pairing) throw pairingError(pairing);
  return pairing;
}

function pairingError({ kind, ids, index }: PairingFault): ApiError {
  const param = `messages[${index}]`;
  if (kind === 'orphan') {
    return new ApiError('tool_result_orphan', { ids, param: `${param}.tool_call_id` });
  }
  if (kind === 'unanswered') return new ApiError('tool_call_unanswered', { ids, param });
  const field = `${param}.tool_calls`;
  return invalid(`${field}: id ${ids.join(', ')} is used twice`, field, 'repeated_call_id');
}
