import { contentText } from '../../contract/messages.ts';
import { lazy } from '../lazy.ts';
import type { Model, ModelDelta, ModelRequest } from './model.ts';
import type { ScriptedModel, ScriptRule } from './scripted.ts';

export interface ScriptOptions {
  /** A request that no rule fits is refused, with the rule that came closest; otherwise the next model answers it. */
  strict?: boolean;
}

const scripted = lazy(() => import('./scripted.ts'));
const reading = lazy(() => import('./scripted/read-script.ts'));

/** A model in front of which a script may be put. What runs scripts is loaded with the first one. */
export class ScriptableModel implements Model {
  readonly name: string;
  readonly #next: Model;
  /** Requests wait for a script that is being loaded. */
  #loading: Promise<ScriptedModel> | undefined;
  #scripted: ScriptedModel | undefined;

  constructor(next: Model) {
    this.name = next.name;
    this.#next = next;
  }

  /**
   * Replaces the script. Requests that come after the call are answered by it, whether or not the promise is awaited.
   * @throws DocumentError (as a rejection) for an invalid rule; the script before it stays
   */
  load(rules: readonly ScriptRule[], options: ScriptOptions = {}): Promise<void> {
    return this.#change(async (model) => {
      const { scriptOf } = await scripted();
      model.load({ ...scriptOf(rules), ...options });
    });
  }

  /** The same with the text of a YAML or JSON file. @throws DocumentError that names the file and the line */
  loadText(text: string, file: string): Promise<void> {
    return this.#change(async (model) => {
      const { readScript } = await reading();
      model.load(readScript(text, file));
    });
  }

  /** The same with the value of a JSON file: a list of rules, or `{strict, rules}`. @throws DocumentError (as a rejection) */
  loadValue(value: unknown): Promise<void> {
    return this.#change(async (model) => {
      const { scriptFrom } = await scripted();
      model.load(scriptFrom(value));
    });
  }

  /** The script at work, as JSON; one of no rules where there is none. */
  async script(): Promise<{ strict: boolean; rules: unknown[] }> {
    await this.#loading?.catch(() => undefined);
    return this.#scripted?.describe() ?? { strict: false, rules: [] };
  }

  complete(request: ModelRequest): AsyncIterable<ModelDelta> {
    if (this.#loading) return this.#completeLater(request, this.#loading);
    return (this.#scripted ?? this.#next).complete(request);
  }

  /** Titles of the rules that have not answered yet. */
  unused(): string[] {
    return this.#scripted?.unused() ?? [];
  }

  /** Starts the script anew, from its first rule. */
  reset(): void {
    this.#scripted?.reset();
  }

  async #change(change: (model: ScriptedModel) => Promise<void>): Promise<void> {
    const before = this.#loading;
    const loading = (async () => {
      await before?.catch(() => undefined);
      const { ScriptedModel } = await scripted();
      this.#scripted ??= new ScriptedModel(this.#next);
      await change(this.#scripted);
      return this.#scripted;
    })();
    this.#loading = loading;
    try {
      await loading;
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
    }
  }

  async *#completeLater(request: ModelRequest, loading: Promise<ScriptedModel>): AsyncGenerator<ModelDelta> {
    await loading.catch(() => undefined);
    yield* this.complete(request);
  }
}

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

/** Units of the question and of the place found that the line quotes. */
const QUOTED = 80;

/**
 * What the lookup model thinks before it answers: which message it looks at, and why. The same answer to the same prompt is
 * always thought about in the same line; less of it at a low effort.
 */
function thinkingLine({ messages, thinking }: ModelRequest, answer: readonly ModelDelta[]): string {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const question = asked === -1 ? 'Nobody asks.' : `Message ${asked + 1} asks "${opening(messages[asked]?.content)}".`;
  const found = whereFound(messages, asked, answer);
  if (thinking === 'low') return found;
  const line = `${question} ${found}`;
  return thinking === 'high' ? line : `${line} ${searched(messages.length)}`;
}

function whereFound(messages: ModelRequest['messages'], asked: number, answer: readonly ModelDelta[]): string {
  const calls = answer.flatMap((delta) => (delta.type === 'tool_call' ? [delta.name] : []));
  if (calls.length > 0) return `It is a task for ${calls.join(' and ')}.`;
  const text = answer
    .map((delta) => (delta.type === 'text' ? delta.text : ''))
    .join('')
    .trim();
  const place = messages.findLastIndex(
    (message, index) => index !== asked && contentText(message.content).includes(text),
  );
  if (text !== '' && place !== -1) return `Message ${place + 1}, of the ${messages[place]?.role}, says it.`;
  const itself = asked !== -1 && text !== '' && contentText(messages[asked]?.content).includes(text);
  return itself ? 'The question itself says it.' : 'No message says it word for word.';
}

function opening(content: Parameters<typeof contentText>[0]): string {
  const [first = ''] = contentText(content).trim().split('\n');
  return first.length <= QUOTED ? first : `${Array.from(first).slice(0, QUOTED).join('')}…`;
}

function searched(count: number): string {
  return count === 1 ? 'It is the only message.' : `All ${count} messages were searched, the newest first.`;
}
