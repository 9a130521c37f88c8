/** Tells listeners what goes on. A listener is called at once, in order; what it throws goes to whoever caused the event. */
export class Events<Kinds extends object> {
  readonly #listeners = new Map<keyof Kinds, Set<(event: never) => void>>();

  /** @returns what takes the listener away again */
  on<Name extends keyof Kinds>(name: Name, listener: (event: Kinds[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  emit<Name extends keyof Kinds>(name: Name, event: Kinds[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(event as never);
  }
}
