import type { Model, ModelDelta, ModelRequest } from '../../emulator/index.ts';

/** One question to the model, answered step by step. */
interface Asked {
  request: ModelRequest;
  /** Adds to the answer. */
  give(...deltas: ModelDelta[]): void;
  say(text: string): void;
  end(): void;
  fail(error: Error): void;
}

/** A model that answers when and what the test says. It ignores the request's signal, as a stuck model would. */
export class HeldModel implements Model {
  readonly name = 'held';
  readonly #asked = new Line<Asked>();

  /** The next question, once it is asked. */
  asked(): Promise<Asked> {
    return this.#asked.next();
  }

  async *complete(request: ModelRequest): AsyncGenerator<ModelDelta> {
    const steps = new Line<ModelDelta | 'end' | Error>();
    const give = (...deltas: ModelDelta[]) => deltas.forEach((delta) => void steps.put(delta));
    this.#asked.put({
      request,
      give,
      say: (text) => give({ type: 'text', text }),
      end: () => steps.put('end'),
      fail: (error) => steps.put(error),
    });
    for (;;) {
      const step = await steps.next();
      if (step === 'end') return;
      if (step instanceof Error) throw step;
      yield step;
    }
  }
}

/** A model that gives the same deltas to every question. */
export function saying(...deltas: (ModelDelta | string)[]): Model {
  const said = deltas.map((delta) => (typeof delta === 'string' ? { type: 'text' as const, text: delta } : delta));
  return {
    name: 'saying',
    async *complete() {
      yield* said;
    },
  };
}

/** A model that gives these deltas and then fails. */
export function failing(error: Error, ...deltas: ModelDelta[]): Model {
  return {
    name: 'failing',
    async *complete() {
      yield* deltas;
      throw error;
    },
  };
}

/** Items that wait for a reader, or readers that wait for an item. */
class Line<Item> {
  readonly #items: Item[] = [];
  readonly #readers: ((item: Item) => void)[] = [];

  put(item: Item): void {
    const reader = this.#readers.shift();
    if (reader) reader(item);
    else this.#items.push(item);
  }

  next(): Promise<Item> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#readers.push(resolve));
  }
}
