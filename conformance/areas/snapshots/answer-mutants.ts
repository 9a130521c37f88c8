import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editJson, type Handler, type Json } from '../../proof/proxy.ts';
import { ANSWER_CASES } from './answer-cases.ts';

/** Servers that show a snapshot otherwise in one place than in the others. */

const PLACES: Readonly<Record<string, RegExp>> = {
  read: /^GET \/v1\/snapshots\/[^/]+$/,
  'listed-of-session': /^GET \/v1\/sessions\/[^/]+\/snapshots$/,
  'listed-of-account': /^GET \/v1\/snapshots$/,
  archived: /^(?:POST \/v1\/sessions\/[^/]+\/snapshots|(?:POST|DELETE) \/v1\/snapshots\/[^/]+\/share)$/,
};

/** What goes wrong: a field that the case's snapshots have. */
const WRONG: Readonly<Record<string, (snapshot: Json) => Json>> = {
  plain: (snapshot) => ({ ...snapshot, usage: { ...(snapshot.usage as Json), tools_tokens: 0 } }),
  described: (snapshot) => ({ ...snapshot, metadata: {} }),
  'preserving-some': (snapshot) => ({ ...snapshot, preserve_len: null }),
  'after-a-cut': (snapshot) => ({ ...snapshot, created_at: Number(snapshot.created_at) + 1 }),
  shared: (snapshot) => ({ ...snapshot, share: null }),
  unshared: (snapshot) => ({ ...snapshot, share: { share_id: 'shr_0', expires_at: null } }),
};

function shownAt(place: RegExp, wrong: (snapshot: Json) => Json): Handler {
  return async ({ method, path }, forward) => {
    const response = await forward();
    if (!place.test(`${method} ${path}`) || response.status >= 300) return response;
    return editJson(response, (body: Json) =>
      Array.isArray(body.data) ? { ...body, data: (body.data as Json[]).map(wrong) } : wrong(body),
    );
  };
}

const archivesOneMore = (snapshot: Json): Json => {
  const archived = snapshot.archived as { messages: number };
  return { ...snapshot, archived: { ...archived, messages: archived.messages + 1 } };
};

const mutant = mutantsOf('snapshots', { shownAt });

export const ANSWER_MUTANTS: readonly Mutant[] = ANSWER_CASES.flatMap(({ id, checks }) => {
  const name = id.replace('snapshots.answer-', '');
  return Object.keys(checks).flatMap((check) => {
    const [place, wrong] = [PLACES[check], check === 'archived' ? archivesOneMore : WRONG[name]];
    if (!place || !wrong) return [];
    return [
      mutant(`answer-${name}-${check}`, `a snapshot (${name}) is shown otherwise: ${check}`)
        .caughtBy(`${id}/${check}`)
        .shownAt(place, wrong),
    ];
  });
});
