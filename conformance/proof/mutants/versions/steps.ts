import { mutantsOf } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import type { Handler, Passing } from '../../proxy.ts';
import { changedBy, touch, versionOf } from '../../touches.ts';
import { each } from './match.ts';

const mutant = mutantsOf('versions');
type Kills = readonly [string, ...string[]];

/** What was done to a session, and what came of it. */
interface Done {
  request: Passing;
  response: Response;
  stepped: boolean;
}

/** Lets the version step once more where `isIt` says so. */
function stepping(isIt: (done: Done) => boolean): () => Handler {
  return () => async (request, forward) => {
    const id = changedBy(request);
    if (id === undefined) return forward();
    const before = await versionOf(request, forward, id);
    const response = await forward();
    // A stream has ended, and with it the turn, once all of it is read.
    const text = await response.text();
    if (before === undefined) return new Response(text, response);
    const stepped = (await versionOf(request, forward, id)) !== before;
    if (isIt({ request, response, stepped })) await touch(request, forward, id);
    return new Response(text, response);
  };
}

const rehearses = ({ body }: Passing) => (body as { dry_run?: unknown } | undefined)?.dry_run === true;
const snapshots = ({ path }: Passing) => path.endsWith('/snapshots');

export const STEP_MUTANTS: readonly Mutant[] = [
  mutant(
    'steps-twice',
    'the version steps once for the change and once for its bookkeeping',
    ['versions.streamed-chat/steps-once', ...each('steps-once')] as unknown as Kills,
    stepping(({ stepped }) => stepped),
  ),
  mutant(
    'steps-for-nothing',
    'what changes nothing makes the version step',
    [
      'versions.no-ops/same-title',
      'versions.no-ops/same-metadata',
      'versions.no-ops/same-tools',
      'versions.no-ops/no-field',
      'versions.no-ops/pin-as-it-is',
      'versions.truncations/nothing-to-cut',
      'versions.compressions/nothing-to-replace',
    ],
    stepping(({ request, response, stepped }) => response.ok && !stepped && !rehearses(request) && !snapshots(request)),
  ),
  mutant(
    'rehearsal-steps',
    'a rehearsal makes the version step',
    ['versions.truncations/rehearsal', 'versions.compressions/rehearsal'],
    stepping(({ request, response }) => response.ok && rehearses(request)),
  ),
  mutant(
    'rehearsal-plays',
    'a rehearsal is carried out',
    ['versions.truncations/rehearsal', 'versions.compressions/rehearsal'],
    () => (request, forward) => {
      if (!rehearses(request)) return forward();
      const { dry_run: _, ...body } = request.body as { dry_run: boolean };
      return forward({ body });
    },
  ),
  mutant(
    'snapshot-steps',
    'a snapshot makes the version step',
    ['versions.reads/snapshot-leaves', 'versions.reads/snapshot-match-accepted'],
    stepping(({ request, response }) => response.ok && snapshots(request)),
  ),
  mutant(
    'refusal-steps',
    'a refusal makes the version step',
    ['versions.no-ops/refusals', 'versions.truncations/too-little-kept'],
    stepping(({ response }) => response.status >= 400),
  ),
];
