import type { Model, ModelDelta, ModelRequest } from './model.ts';
import { thinkingLine } from './thinking-line.ts';

/**
 * The default model: looks the answer up in the prompt, and knows nothing else, so that a fact that was lost on the way is a
 * wrong answer. Deterministic and offline. In order: a tool that must be called or that the user asks for by name; JSON where
 * that is the format; what is to be replied word for word; the latest value of a key that the question names; the sentence
 * that fits best; `NOT_FOUND`. Where it is to think, it says first where it has found the answer. Throws the signal's reason
 * when the request is given up.
 */
export function lookupModel(): Model {
  let rules: typeof import('../engines/lookup/lookup.ts') | undefined;
  async function* answer(request: ModelRequest): AsyncGenerator<ModelDelta> {
    // They are half of the server's modules: they are loaded with the first question, not before the first answer.
    rules ??= await import('../engines/lookup/lookup.ts');
    if (request.thinking === undefined) {
      yield* rules.lookUp(request);
      return;
    }
    const found: ModelDelta[] = [];
    for await (const delta of rules.lookUp(request)) found.push(delta);
    yield { type: 'reasoning', text: thinkingLine(request, found) };
    yield* found;
  }
  return {
    name: 'lookup',
    complete: (request) => (rules && request.thinking === undefined ? rules.lookUp(request) : answer(request)),
  };
}
