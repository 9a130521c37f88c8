import type { Model, ModelDelta, ModelRequest } from './model.ts';

/**
 * The default model: looks the answer up in the prompt, and knows nothing else, so that a fact that was lost on the way is a
 * wrong answer. Deterministic and offline. In order: a tool that must be called or that the user asks for by name; JSON where
 * that is the format; what is to be replied word for word; the latest value of a key that the question names; the sentence
 * that fits best; `NOT_FOUND`. Throws the signal's reason when the request is given up.
 */
export function lookupModel(): Model {
  let rules: typeof import('../engines/lookup/lookup.ts') | undefined;
  // They are half of the server's modules: they are loaded with the first question, not before the first answer.
  async function* load(request: ModelRequest): AsyncGenerator<ModelDelta> {
    rules = await import('../engines/lookup/lookup.ts');
    yield* rules.lookUp(request);
  }
  return { name: 'lookup', complete: (request) => (rules ? rules.lookUp(request) : load(request)) };
}
