import { type Answer, type ListenOptions, listen, type RunningServer } from './server.ts';

/** The ports that an emulator serves on. */
export class Servers {
  readonly #running = new Set<RunningServer>();
  #closed = false;

  /** Of the one that was opened last, of those that still serve. */
  get url(): string | undefined {
    return [...this.#running].at(-1)?.url;
  }

  /** @throws Error once all are closed; else as `listen` does */
  async open(answer: Answer, options: ListenOptions): Promise<RunningServer> {
    this.#requireOpen();
    const server = await listen(answer, options);
    const running = {
      ...server,
      close: () => {
        this.#running.delete(running);
        return server.close();
      },
    };
    // Whoever closed meanwhile knows nothing of this one.
    if (this.#closed) await server.close();
    this.#requireOpen();
    this.#running.add(running);
    return running;
  }

  /** Closes them all, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running].map((server) => server.close()));
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('the emulator is closed');
  }
}
