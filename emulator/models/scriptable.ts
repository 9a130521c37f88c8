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
