import { SESSION_CHANGES } from '../../../wire/changes.ts';
import { mutantsOf } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import type { Handler, Passing } from '../../proxy.ts';

const mutant = mutantsOf('versions');
type Kills = readonly [string, ...string[]];

/** The same check of each route that changes a session. */
export const each = (...checks: string[]) =>
  SESSION_CHANGES.flatMap(({ name }) => checks.map((check) => `versions.${name}/${check}`)) as unknown as [
    string,
    ...string[],
  ];

const VERSION = /^"(\d+)"$/;

/** Changes what is asked for with If-Match; undefined takes it away. */
function matching(edit: (header: string, request: Passing) => string | undefined): () => Handler {
  return () => (request, forward) => {
    const { 'if-match': header, ...headers } = request.headers;
    if (header === undefined) return forward();
    const changed = edit(header, request);
    return forward({ headers: changed === undefined ? headers : { ...headers, 'if-match': changed } });
  };
}

/** Changes the ETag of every answer; undefined takes it away. */
function etags(edit: (etag: string) => string | undefined): () => Handler {
  return () => async (_, forward) => {
    const response = await forward();
    const etag = response.headers.get('etag');
    if (etag === null) return response;
    const headers = new Headers(response.headers);
    headers.delete('etag');
    const changed = edit(etag);
    if (changed !== undefined) headers.set('etag', changed);
    return new Response(response.body, { status: response.status, headers });
  };
}

const MATCHED = [
  'versions.streamed-chat/match-accepted',
  'versions.reads/snapshot-match-accepted',
  'versions.reads/delete-match-accepted',
  ...each('match-accepted'),
] as unknown as Kills;
const TAGGED = ['versions.reads/create-etag', 'versions.reads/read-etag', ...each('etag')] as unknown as Kills;

export const MATCH_MUTANTS: readonly Mutant[] = [
  mutant(
    'match-ignored',
    'If-Match is ignored',
    [
      'versions.streamed-chat/stale-refused',
      'versions.reads/snapshot-stale-refused',
      'versions.reads/delete-stale-refused',
      'versions.reads/delete-malformed-refused',
      ...each('stale-refused', 'malformed-refused'),
    ] as unknown as Kills,
    matching(() => undefined),
  ),
  mutant(
    'malformed-ignored',
    'an If-Match that is not understood is ignored',
    ['versions.reads/delete-malformed-refused', ...each('malformed-refused')] as unknown as Kills,
    matching((header) => (VERSION.test(header) ? header : undefined)),
  ),
  mutant(
    'match-older',
    'If-Match is compared with the version before',
    MATCHED,
    matching((header) => header.replace(VERSION, (_, version) => `"${Number(version) + 1}"`)),
  ),
  mutant(
    'match-on-posts-only',
    'If-Match is ignored on deletions',
    ['versions.reads/delete-stale-refused'],
    matching((header, { method }) => (method === 'DELETE' ? undefined : header)),
  ),
  mutant(
    'snapshots-unmatched',
    'If-Match is ignored on snapshots',
    ['versions.reads/snapshot-stale-refused'],
    matching((header, { path }) => (path.endsWith('/snapshots') ? undefined : header)),
  ),
  mutant(
    'no-etag',
    'answers carry no ETag',
    TAGGED,
    etags(() => undefined),
  ),
  mutant(
    'etag-unquoted',
    'the ETag is not in quotes',
    TAGGED,
    etags((etag) => etag.replaceAll('"', '')),
  ),
  mutant(
    'etag-before',
    'the ETag of a change is that of the version before it',
    each('etag'),
    etags((etag) => etag.replace(VERSION, (_, version) => `"${Number(version) - 1}"`)),
  ),
];
