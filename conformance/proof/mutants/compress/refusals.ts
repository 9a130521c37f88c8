import { tokensIn } from '../../../wire/groups.ts';
import { ask, editSuccess, windowAt } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { editJson, on } from '../../proxy.ts';
import { doingNothing, onRefusal, ROUTE, refusal } from './route.ts';

const loose = ({ pinned }: { pinned: boolean }) => !pinned;
const isNoOp = (done: Json) => done.object === 'session.compression' && done.summary === null;

/** What is refused, what does nothing, and what either leaves behind. */
export const COMPRESS_REFUSAL_MUTANTS: readonly Mutant[] = [
  {
    id: 'compress.grows-tiny-sessions',
    area: 'compress',
    broken: 'a window with next to nothing in it gets a summary that is larger',
    killedBy: ['compress.no-op/one-token-less-is-left', 'compress.no-op/pins-are-not-replaceable'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        if (!response.ok || !isNoOp((await response.clone().json()) as Json)) return response;
        const summary = { role: 'system', content: 'Summary: nothing of note.' };
        await ask(forward, 'POST', `/v1/sessions/${id}/messages`, summary);
        return response;
      }),
  },
  {
    id: 'compress.no-op-takes-snapshot',
    area: 'compress',
    broken: 'a snapshot is taken before it is seen that there is nothing to do',
    killedBy: ['compress.no-op/no-snapshot'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        const done = (await response.clone().json()) as Json;
        if (!isNoOp(done)) return response;
        const { body } = await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
        return editSuccess(response, () => ({ ...done, snapshot_id: body.id }));
      }),
  },
  {
    id: 'compress.no-op-at-64',
    area: 'compress',
    broken: 'with exactly 64 tokens to replace it does nothing',
    killedBy: ['compress.no-op/from-64-on-it-acts'],
    handler: () =>
      on('POST', ROUTE, async (request, forward) => {
        const window = await windowAt(forward, request.ids[0] ?? '');
        return tokensIn(window.filter(loose)) === 64 ? doingNothing(request, forward) : forward();
      }),
  },
  {
    id: 'compress.pins-count-as-replaceable',
    area: 'compress',
    broken: 'pins count towards what there is to replace, and then there is nothing',
    killedBy: ['compress.no-op/pins-are-not-replaceable'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        const window = await windowAt(forward, id);
        const nothing = tokensIn(window.filter(loose)) < 64 && tokensIn(window) >= 64;
        return nothing ? refusal('no ratio is feasible', 'compress_infeasible', 'ratio') : forward();
      }),
  },
  {
    id: 'compress.empty-window-refused',
    area: 'compress',
    broken: 'an empty window is refused',
    killedBy: ['compress.no-op/empty-window-succeeds'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        const { status, body } = await ask(forward, 'GET', `/v1/sessions/${id}/messages`);
        const empty = status === 200 && (body.data as Json[]).length === 0;
        return empty ? refusal('Invalid request: nothing to compress', 'invalid_request') : forward();
      }),
  },
  {
    id: 'compress.open-call-answered',
    area: 'compress',
    broken: 'an open call is given an empty result and summarised',
    killedBy: ['compress.open-call/refused', 'compress.open-call/said-before-anything-else'],
    handler: onRefusal('tool_call_unanswered', async (_, { ids: [id] }, forward) => {
      const interrupted = { role: 'tool', tool_call_id: 'call_1', content: 'interrupted' };
      await ask(forward, 'POST', `/v1/sessions/${id}/messages`, interrupted);
      return forward();
    }),
  },
  {
    id: 'compress.open-call-checked-last',
    area: 'compress',
    broken: 'whether there is anything to do is looked at before open calls are',
    killedBy: ['compress.open-call/said-before-anything-else'],
    handler: onRefusal('tool_call_unanswered', async (response, request, forward) => {
      const window = await windowAt(forward, request.ids[0] ?? '');
      return tokensIn(window.filter(loose)) < 64 ? doingNothing(request, forward) : response;
    }),
  },
  {
    id: 'compress.once-refused-always-refused',
    area: 'compress',
    broken: 'a session with a call that once was open is never compressed',
    killedBy: ['compress.open-call/accepted-once-answered'],
    handler: () => {
      const refused = new Map<string, Response>();
      return on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        const earlier = refused.get(id);
        if (earlier) return earlier.clone();
        const response = await forward();
        if (!response.ok) refused.set(id, response.clone());
        return response;
      });
    },
  },
  {
    id: 'compress.best-effort',
    area: 'compress',
    broken: 'a ratio that is not feasible is made as large as it can be, without a word',
    killedBy: ['compress.infeasible/refused'],
    handler: onRefusal('compress_infeasible', async (response, { body }, forward) => {
      const [ratio] = /[\d.]+$/.exec(((await response.json()) as { error: { message: string } }).error.message) ?? [];
      return forward({ body: { ...(body as Json), ratio: Number(ratio) } });
    }),
  },
  {
    id: 'compress.names-a-larger-ratio',
    area: 'compress',
    broken: 'the ratio that a refusal names leaves no room for the summary',
    killedBy: ['compress.infeasible/named-ratio-works'],
    handler: onRefusal('compress_infeasible', async (response) =>
      editJson(response, ({ error }: { error: { message: string } }) => ({
        error: { ...error, message: error.message.replace(/[\d.]+$/, (ratio) => String(2 * Number(ratio))) },
      })),
    ),
  },
  {
    id: 'compress.names-a-smaller-ratio',
    area: 'compress',
    broken: 'a refusal names a ratio that works, and not the largest',
    killedBy: ['compress.infeasible/a-larger-one-does-not'],
    handler: onRefusal('compress_infeasible', async (response) =>
      editJson(response, ({ error }: { error: { message: string } }) => ({
        error: { ...error, message: error.message.replace(/[\d.]+$/, (ratio) => String(0.8 * Number(ratio))) },
      })),
    ),
  },
  {
    id: 'compress.failed-leaves-snapshot',
    area: 'compress',
    broken: 'the snapshot of a compress that fails stays',
    killedBy: ['compress.open-call/refused-unchanged', 'compress.infeasible/refused-unchanged'],
    handler: onRefusal(undefined, async (response, { ids: [id] }, forward) => {
      await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
      return response;
    }),
  },
  {
    id: 'compress.failed-leaves-half',
    area: 'compress',
    broken: 'a compress that fails has removed what it was to replace',
    killedBy: [
      'compress.infeasible/refused-unchanged',
      'compress.snapshot-limit/refused-unchanged',
      'compress.request/refused-unchanged',
    ],
    handler: onRefusal(undefined, async (response, { ids: [id] }, forward) => {
      await ask(forward, 'POST', `/v1/sessions/${id}/truncate`, { preserve_len: 220 });
      return response;
    }),
  },
  {
    id: 'compress.makes-room-for-its-snapshot',
    area: 'compress',
    broken: 'the oldest snapshot is dropped for that of the compress',
    killedBy: ['compress.snapshot-limit/refused'],
    handler: onRefusal('snapshot_limit_reached', async (_, __, forward) => {
      const { body } = await ask(forward, 'GET', '/v1/snapshots', undefined, '?order=asc&limit=1');
      const [oldest] = body.data as { id: string }[];
      await ask(forward, 'DELETE', `/v1/snapshots/${oldest?.id}`);
      return forward();
    }),
  },
];
