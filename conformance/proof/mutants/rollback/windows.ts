import type { SessionMessage } from '../../../../contract/sessions.ts';
import { editWindows, modelForgets, modelRemembers, showAfter, windowAt } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, on } from '../../proxy.ts';

const ROUTE = '/v1/sessions/:id/rollback';

/** What the window and the model have after a rollback. */
export const ROLLBACK_WINDOW_MUTANTS: readonly Mutant[] = [
  {
    id: 'rollback.new-ids',
    area: 'rollback',
    broken: 'the messages come back as copies with ids of their own',
    killedBy: ['rollback.identity/at-once-the-same', 'rollback.preserve-len/all-on-request'],
    handler: () => {
      const back = new Set<string>();
      return chain(
        on('POST', ROUTE, ({ ids: [id = ''] }, forward) => {
          back.add(id);
          return forward();
        }),
        editWindows((messages, session) =>
          back.has(session) ? messages.map((one) => ({ ...one, id: `${one.id}c` })) : messages,
        ),
      );
    },
  },
  {
    id: 'rollback.appends',
    area: 'rollback',
    broken: 'what the snapshot holds is written behind what stands in the window',
    killedBy: ['rollback.identity/at-once-the-same', 'rollback.memory/turns-are-undone'],
    handler: () => {
      const earlier = new Map<string, SessionMessage[]>();
      return chain(
        on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
          earlier.set(id, await windowAt(forward, id));
          return forward();
        }),
        editWindows((messages, session) => [...(earlier.get(session) ?? []), ...messages]),
      );
    },
  },
  {
    id: 'rollback.model-remembers',
    area: 'rollback',
    broken: 'the model still reads what came after the snapshot',
    killedBy: ['rollback.memory/later-unknown'],
    handler: modelRemembers(ROUTE),
  },
  {
    id: 'rollback.model-reads-nothing',
    area: 'rollback',
    broken: 'after a rollback the model reads the new messages only',
    killedBy: ['rollback.memory/earlier-known-again'],
    handler: modelForgets(ROUTE),
  },
  {
    id: 'rollback.cuts-whole-messages',
    area: 'rollback',
    broken: 'the oldest message that a rollback should bring back is lost',
    killedBy: ['rollback.preserve-len/as-truncate', 'rollback.preserve-len/less-on-request'],
    handler: showAfter('rollback', (now) => now.slice(1)),
  },
];
