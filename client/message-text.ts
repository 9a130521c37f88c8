import type { MessageContent } from '../contract/messages.ts';

/** The text of a message's content. The contract's own function would bring its schemas, and with them zod, into a bundle. */
export function contentText(content: MessageContent | null | undefined): string {
  if (content === null || content === undefined) return '';
  return typeof content === 'string' ? content : content.map((part) => part.text).join('');
}
