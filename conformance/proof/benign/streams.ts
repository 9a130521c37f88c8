import { answers, choiceOf, chunks, drip, events, isEvents, isJson, withChoice } from '../edits.ts';
import type { Variant } from './variant.ts';

/** Streams that say the same in other bytes. */
export const STREAM_VARIANTS: readonly Variant[] = [
  {
    id: 'comments',
    differs: 'event streams carry comments and keep-alives',
    handler: () =>
      events(
        (data) => [data],
        (data) => `: keep-alive\n\ndata: ${data}\n\n:\n`,
      ),
  },
  {
    id: 'crlf',
    differs: 'lines of event streams end with CRLF',
    handler: () =>
      events(
        (data) => [data],
        (data) => `data: ${data}\r\n\r\n`,
      ),
  },
  {
    id: 'no-space-after-colon',
    differs: 'nothing stands between `data:` and the data',
    handler: () =>
      events(
        (data) => [data],
        (data) => `data:${data}\n\n`,
      ),
  },
  {
    id: 'byte-by-byte',
    differs: 'answers arrive a byte at a time',
    handler: () => answers((response) => (isEvents(response) || !isJson(response) ? drip(response) : response)),
  },
  {
    id: 'role-with-content',
    differs: 'the role comes with the first piece of content instead of before it',
    handler: () => {
      let role = false;
      return chunks((chunk) => {
        const choice = choiceOf(chunk);
        const alone = choice?.delta.role !== undefined && choice.delta.content === '';
        if (alone) role = true;
        if (alone) return [];
        const first = role && choice !== undefined;
        role = false;
        return [first ? withChoice(chunk, { delta: { role: 'assistant', ...choice.delta } }) : chunk];
      });
    },
  },
  {
    id: 'empty-deltas',
    differs: 'empty deltas stand between the pieces',
    handler: () =>
      chunks((chunk) => {
        const choice = choiceOf(chunk);
        if (choice?.finish_reason !== null) return [chunk];
        return [chunk, withChoice(chunk, { delta: { content: '' }, finish_reason: null })];
      }),
  },
  {
    id: 'split-content',
    differs: 'each piece of content comes in two',
    handler: () =>
      chunks((chunk) => {
        const choice = choiceOf(chunk);
        const content = choice?.delta.content;
        if (typeof content !== 'string' || [...content].length < 2) return [chunk];
        const characters = [...content];
        const middle = Math.floor(characters.length / 2);
        const parts = [characters.slice(0, middle), characters.slice(middle)];
        return parts.map((part) => withChoice(chunk, { delta: { ...choice?.delta, content: part.join('') } }));
      }),
  },
  {
    id: 'content-with-finish',
    differs: 'the finish chunk has an empty piece of content in its delta',
    handler: () =>
      chunks((chunk) => {
        const choice = choiceOf(chunk);
        return [
          choice && choice.finish_reason !== null
            ? withChoice(chunk, { delta: { ...choice.delta, content: '' } })
            : chunk,
        ];
      }),
  },
];
