import { editSuccess } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';
import { type Handler, on } from '../../proxy.ts';

const READ = '/v1/snapshots/:id/messages';

/** Messages of a snapshot are listed otherwise than asked for. */
function listing(change: (query: URLSearchParams) => void): () => Handler {
  return () =>
    on('GET', READ, ({ search }, forward) => {
      const query = new URLSearchParams(search);
      change(query);
      return forward({ search: `?${query}` });
    });
}

/** The messages of a snapshot are listed or searched wrongly. */
export const SNAPSHOT_LISTING_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.archives-what-it-restores',
    area: 'snapshots',
    broken: 'what preserve_len leaves out is not kept at all',
    killedBy: ['snapshots.preserve-len/archives-all', 'snapshots.messages/both-scopes-by-name'],
    handler: listing((query) => query.delete('scope')),
  },
  {
    id: 'snapshots.archived-by-default',
    area: 'snapshots',
    broken: 'the archived messages are listed where no scope is named',
    killedBy: ['snapshots.messages/restored-by-default', 'snapshots.preserve-len/restores-the-newest'],
    handler: listing((query) => query.has('scope') || query.set('scope', 'archived')),
  },
  {
    id: 'snapshots.unknown-scope-ignored',
    area: 'snapshots',
    broken: 'a scope that is not known is taken for the default',
    killedBy: ['snapshots.messages/unknown-scope-refused'],
    handler: listing((query) => query.get('scope') === 'everything' && query.delete('scope')),
  },
  {
    id: 'snapshots.order-ignored',
    area: 'snapshots',
    broken: 'messages are listed oldest first, whatever is asked for',
    killedBy: ['snapshots.messages/newest-first-on-request', 'snapshots.messages/newest-first'],
    handler: listing((query) => query.set('order', 'asc')),
  },
  {
    id: 'snapshots.any-word',
    area: 'snapshots',
    broken: 'one word of the query is enough',
    killedBy: ['snapshots.messages/all-words', 'snapshots.messages/none-found'],
    handler: listing((query) => {
      const [word] = query.get('query')?.split(' ') ?? [];
      if (word !== undefined) query.set('query', word);
    }),
  },
  {
    id: 'snapshots.case-matters',
    area: 'snapshots',
    broken: 'the query is compared letter by letter',
    killedBy: ['snapshots.messages/any-case'],
    handler: () =>
      on('GET', READ, async ({ search }, forward) => {
        const words = new URLSearchParams(search).get('query')?.split(' ') ?? [];
        return editSuccess(await forward(), (list) => ({
          ...list,
          data: (list.data as { content: string }[]).filter(({ content }) =>
            words.every((word) => content.includes(word)),
          ),
        }));
      }),
  },
  {
    id: 'snapshots.searches-the-archive',
    area: 'snapshots',
    broken: 'a query searches all that is archived, whatever the scope',
    killedBy: ['snapshots.messages/searched-in-its-scope'],
    handler: listing((query) => query.has('query') && query.set('scope', 'archived')),
  },
  {
    id: 'snapshots.query-ignored',
    area: 'snapshots',
    broken: 'the query is ignored',
    killedBy: ['snapshots.messages/none-found', 'snapshots.messages/any-case'],
    handler: listing((query) => query.delete('query')),
  },
];
