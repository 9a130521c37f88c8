import { editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import { chain, type Forward, type Handler, json, on } from '../../proxy.ts';

/** Where forks come from. */
export class Origins {
  readonly sessionOf = new Map<string, string>();
  readonly snapshotOf = new Map<string, string>();
  readonly #sessions = new Map<string, string>();

  /** @param work is done with each fork and its answer */
  handler(work: (fork: Json, forward: Forward, source: string) => Promise<Json> | Json = (fork) => fork): Handler {
    return chain(
      on('POST', '/v1/sessions/:id/snapshots', async ({ ids: [session = ''] }, forward) =>
        editSuccess(await forward(), (taken) => {
          this.#sessions.set(String(taken.id), session);
          return taken;
        }),
      ),
      on('POST', '/v1/sessions', async ({ body }, forward) => {
        const response = await forward();
        const { snapshot_id } = (body ?? {}) as { snapshot_id?: string };
        if (!response.ok || snapshot_id === undefined) return response;
        const fork = (await response.json()) as Json;
        const source = this.#sessions.get(snapshot_id) ?? '';
        this.sessionOf.set(String(fork.id), source);
        this.snapshotOf.set(String(fork.id), snapshot_id);
        return json(await work(fork, forward, source), response.status);
      }),
    );
  }

  forksOf(session: string): string[] {
    return [...this.sessionOf].filter(([, source]) => source === session).map(([fork]) => fork);
  }
}
