import { bad, fine, type Rule, some } from '../finding.ts';
import type { Run } from '../run.ts';

/**
 * Fields of today's API that a request may carry [Kimi API documentation, 2026-08 to 2026-11; kimi-code 0.38.0;
 * Kimi-Vendor-Verifier 3dad65a]. Where this emulator does nothing with one, the request is right all the same.
 */
const LIVE_FIELDS: ReadonlySet<string> = new Set([
  'frequency_penalty',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'model',
  'n',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'prediction.content',
  'prediction.type',
  'prompt_cache_options.mode',
  'prompt_cache_options.ttl',
  'response_format.json_schema.description',
  'response_format.json_schema.strict',
  'stream_options.include_usage',
  'thinking.effort',
  'thinking.keep',
  'thinking.type',
  'messages[].content',
  'messages[].name',
  'messages[].partial',
  'messages[].reasoning_content',
  'messages[].tool_calls',
  'messages[].tool_calls[].extras',
  'messages[].tool_calls[].index',
  'messages[].tools',
]);

export const ignoredFields: Rule = {
  name: 'ignored-fields',
  target: 'everywhere',
  judge({ entries }: Run) {
    const sent = entries.flatMap((entry) =>
      (entry.ignored?.split(', ') ?? []).map((name) => ({ entry, name, known: LIVE_FIELDS.has(kindOf(name)) })),
    );
    const unknown = sent.filter(({ known }) => !known);
    if (unknown.length === 0) {
      const names = [...new Set(sent.map(({ name }) => kindOf(name)))];
      return fine(
        names.length === 0
          ? 'no unknown field was sent'
          : `no unknown field was sent; ${names.join(', ')}: known to the live API, without effect here`,
      );
    }
    const requests = [...new Set(unknown.map(({ entry }) => entry))];
    const names = [...new Set(unknown.map(({ name }) => name))];
    const says = `${some(requests.length, 'request')} with unknown fields, which do nothing: ${names.slice(0, 8).join(', ')}`;
    return bad('warning', says, 'check whether each is misspelt or belongs to another API', requests);
  },
};

const kindOf = (name: string): string => name.replaceAll(/\[\d+\]/g, '[]');
