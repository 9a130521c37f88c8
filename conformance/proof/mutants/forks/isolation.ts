import { answersFrom, ask, windowAt } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, on } from '../../proxy.ts';
import { Origins } from './origins.ts';

/** What is written to a session is written to others too. */
function mirrored(others: (origins: Origins, session: string) => string[]): () => Handler {
  return () => {
    const origins = new Origins();
    return chain(
      origins.handler(),
      on('POST', '/v1/sessions/:id/messages', async ({ ids: [id = ''], body }, forward) => {
        for (const other of others(origins, id)) await ask(forward, 'POST', `/v1/sessions/${other}/messages`, body);
        return forward();
      }),
    );
  };
}

/** What forks share. */
export const FORK_ISOLATION_MUTANTS: readonly Mutant[] = [
  {
    id: 'forks.write-to-source',
    area: 'forks',
    broken: 'what is appended to a fork is appended to its source',
    killedBy: ['forks.isolation/source-sees-no-change', 'forks.memory/fork-unknown-to-source'],
    handler: mirrored(({ sessionOf }, id) => [sessionOf.get(id) ?? []].flat()),
  },
  {
    id: 'forks.follow-the-source',
    area: 'forks',
    broken: 'what is appended to the source is appended to its forks',
    killedBy: ['forks.isolation/fork-sees-no-change', 'forks.memory/source-unknown-to-fork'],
    handler: mirrored((origins, id) => origins.forksOf(id)),
  },
  {
    id: 'forks.siblings-share',
    area: 'forks',
    broken: 'forks of one snapshot share its window',
    killedBy: ['forks.isolation/sibling-sees-no-change'],
    handler: mirrored((origins, id) => {
      const source = origins.sessionOf.get(id);
      return source === undefined ? [] : origins.forksOf(source).filter((fork) => fork !== id);
    }),
  },
  {
    id: 'forks.die-with-source',
    area: 'forks',
    broken: 'deleting a session deletes its forks',
    killedBy: ['forks.isolation/outlives-source'],
    handler: () => {
      const origins = new Origins();
      return chain(
        origins.handler(),
        on('DELETE', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) => {
          for (const fork of origins.forksOf(id)) await ask(forward, 'DELETE', `/v1/sessions/${fork}`);
          return forward();
        }),
      );
    },
  },
  {
    id: 'forks.source-dies-with-fork',
    area: 'forks',
    broken: 'deleting a fork deletes what it shares with its source',
    killedBy: ['forks.isolation/source-outlives-fork'],
    handler: () => {
      const origins = new Origins();
      return chain(
        origins.handler(),
        on('DELETE', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) => {
          const source = origins.sessionOf.get(id);
          if (source !== undefined) await ask(forward, 'DELETE', `/v1/sessions/${source}`);
          return forward();
        }),
      );
    },
  },
  {
    id: 'forks.die-with-snapshot',
    area: 'forks',
    broken: 'deleting a snapshot deletes its forks',
    killedBy: ['forks.isolation/outlives-snapshot'],
    handler: () => {
      const origins = new Origins();
      return chain(
        origins.handler(),
        on('DELETE', '/v1/snapshots/:id', async ({ ids: [id] }, forward) => {
          for (const [fork, snapshot] of origins.snapshotOf) {
            if (snapshot === id) await ask(forward, 'DELETE', `/v1/sessions/${fork}`);
          }
          return forward();
        }),
      );
    },
  },
  {
    id: 'forks.model-knows-nothing',
    area: 'forks',
    broken: 'the model reads only what was said in the fork itself',
    killedBy: ['forks.memory/history-known'],
    handler: () => {
      const origins = new Origins();
      return chain(
        origins.handler(),
        answersFrom(async (id, forward) => (origins.sessionOf.has(id) ? [] : windowAt(forward, id))),
      );
    },
  },
];
