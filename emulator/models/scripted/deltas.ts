import { injectedError } from '../../errors.ts';
import type { ModelDelta, ModelRequest } from '../model.ts';
import type { CheckedReply } from './schema.ts';

/** What a reply delivers. @throws ApiError where it is an error */
export function* deltasOf(reply: CheckedReply, { model, session }: ModelRequest): Generator<ModelDelta> {
  if (typeof reply === 'string') yield { type: 'text', text: reply };
  else if ('error' in reply) throw injectedError(reply.error, { model, ...(session && { session: session.id }) });
  else if ('json' in reply) yield { type: 'text', text: JSON.stringify(reply.json) };
  else {
    if (reply.text !== undefined) yield { type: 'text', text: reply.text };
    for (const { name, arguments: given = {} } of reply.tool_calls) {
      yield { type: 'tool_call', name, arguments: typeof given === 'string' ? given : JSON.stringify(given) };
    }
  }
}
