import { contentText } from '../../../contract/content-text.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { ask, editSuccess, showAfter, unpin, windowAt } from '../../proof/asking.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { chain, editJson, type Forward, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { tokensIn } from '../../wire/groups.ts';

const ROUTE = '/v1/sessions/:id/compress';

/** Forwards another request. */
function asking(change: (body: Json) => Json): () => Handler {
  return () => on('POST', ROUTE, ({ body }, forward) => forward({ body: change((body ?? {}) as Json) }));
}

/** Changes the answer of a compress that succeeded. */
function answering(edit: (body: Json) => Json): () => Handler {
  return () => on('POST', ROUTE, async (_, forward) => editSuccess(await forward(), edit));
}

/** Does something with refusals of this code, or of any. */
function onRefusal(
  code: string | undefined,
  work: (response: Response, request: Passing & { ids: string[] }, forward: Forward) => Promise<Response>,
): () => Handler {
  return () =>
    on('POST', ROUTE, async (request, forward) => {
      const response = await forward();
      if (response.ok) return response;
      const { error } = (await response.clone().json()) as { error: { code?: string } };
      return code === undefined || error.code === code ? work(response, request, forward) : response;
    });
}

/** What a compress that does nothing answers. */
async function doingNothing({ ids: [id], body }: Passing & { ids: string[] }, forward: Forward): Promise<Response> {
  const { usage, version } = (await ask(forward, 'GET', `/v1/sessions/${id}`)).body;
  const { ratio = 4, format = 'outline', dry_run = false } = body as Json;
  return json({
    object: 'session.compression',
    session_id: id,
    format,
    ratio: { requested: ratio, achieved: 1 },
    before: usage,
    after: usage,
    summary: null,
    snapshot_id: null,
    version,
    dry_run,
  });
}

function refusal(message: string, code: string, param?: string): Response {
  return json({ error: { message, type: 'invalid_request_error', code, ...(param && { param }) } }, 400);
}

const LEAST = SMALL_LIMITS.min_preserve_tokens;

/** Ratios, formats and sizes. */
const COMPRESS_RATIO_MUTANTS: readonly Mutant[] = [
  {
    id: 'compress.half-the-ratio',
    area: 'compress',
    broken: '2 to 1 is reported as 4 to 1',
    killedBy: [
      'compress.budget/not-whole',
      'compress.budget/a-lot',
      'compress.summary/still-within-budget',
      'compress.undo/achieved-is-true',
    ],
    handler: () =>
      on('POST', ROUTE, async ({ body }, forward) => {
        const { ratio, ...rest } = body as Json;
        if (typeof ratio !== 'number' || !(ratio > 1) || ratio > 64) return forward();
        const response = await forward({ body: { ...rest, ratio: 1 + (ratio - 1) / 2 } });
        return editSuccess(response, (done) => ({ ...done, ratio: { requested: ratio, achieved: ratio } }));
      }),
  },
  {
    id: 'compress.saves-instead-of-divides',
    area: 'compress',
    broken: 'a ratio below 2 is taken for what is left of one and a tenth',
    killedBy: ['compress.budget/a-little'],
    handler: asking((body) => (Number(body.ratio) > 1.05 && Number(body.ratio) < 2 ? { ...body, ratio: 1.1 } : body)),
  },
  {
    id: 'compress.default-is-two',
    area: 'compress',
    broken: 'without a ratio it is 2 to 1',
    killedBy: ['compress.budget/four-by-default'],
    handler: asking((body) => ({ ratio: 2, ...body })),
  },
  {
    id: 'compress.ratios-clamped',
    area: 'compress',
    broken: 'a ratio that is out of range is brought into it',
    killedBy: ['compress.request/other-ratios-refused', 'compress.request/refused-unchanged'],
    handler: asking((body) =>
      'ratio' in body ? { ...body, ratio: Math.min(64, Math.max(1.01, Number(body.ratio) || 4)) } : body,
    ),
  },
  {
    id: 'compress.whole-ratios-only',
    area: 'compress',
    broken: 'the least ratio is 2',
    killedBy: ['compress.request/smallest-ratio-accepted', 'compress.budget/a-little'],
    handler: asking((body) => (Number(body.ratio) < 2 ? { ...body, ratio: 0 } : body)),
  },
  {
    id: 'compress.largest-ratio-refused',
    area: 'compress',
    broken: 'the largest ratio itself is refused',
    killedBy: ['compress.request/largest-ratio-accepted'],
    handler: asking((body) => (body.ratio === 64 ? { ...body, ratio: 65 } : body)),
  },
  {
    id: 'compress.format-ignored',
    area: 'compress',
    broken: 'every summary is an outline, whatever it says to be',
    killedBy: ['compress.formats/json', 'compress.formats/text'],
    handler: () =>
      on('POST', ROUTE, async ({ body }, forward) => {
        const { format = 'outline', ...rest } = body as Json;
        if (!['outline', 'json', 'text'].includes(String(format))) return forward();
        return editSuccess(await forward({ body: rest }), (done) => ({ ...done, format }));
      }),
  },
  {
    id: 'compress.outline-unknown',
    area: 'compress',
    broken: 'an outline can be had by asking for none only',
    killedBy: ['compress.formats/outline'],
    handler: asking((body) => (body.format === 'outline' ? { ...body, format: 'headings' } : body)),
  },
  {
    id: 'compress.json-by-default',
    area: 'compress',
    broken: 'without a format the summary is JSON',
    killedBy: ['compress.request/outline-by-default'],
    handler: asking((body) => ({ format: 'json', ...body })),
  },
  {
    id: 'compress.unknown-format-is-outline',
    area: 'compress',
    broken: 'a format that is not known is taken for the default',
    killedBy: ['compress.request/unknown-format-refused', 'compress.request/refused-unchanged'],
    handler: asking((body) => (body.format === 'haiku' ? { ...body, format: 'outline' } : body)),
  },
  {
    id: 'compress.formats-not-listed',
    area: 'compress',
    broken: 'the refusal of a format does not say which ones there are',
    killedBy: ['compress.request/formats-listed'],
    handler: onRefusal('invalid_request', async () =>
      refusal('Invalid request: unknown format', 'invalid_request', 'format'),
    ),
  },
  {
    id: 'compress.minimum-raised',
    area: 'compress',
    broken: 'a preserve_len below the minimum is raised to it',
    killedBy: ['compress.request/under-minimum-refused', 'compress.request/refused-unchanged'],
    handler: asking((body) =>
      'preserve_len' in body ? { ...body, preserve_len: Math.max(LEAST, Number(body.preserve_len)) } : body,
    ),
  },
  {
    id: 'compress.usage-not-counted-anew',
    area: 'compress',
    broken: 'the usage after a compress leaves the markers of the summary out',
    killedBy: ['compress.budget/usage-of-what-is-listed'],
    handler: () => {
      const compressed = new Set<string>();
      return chain(
        on('POST', ROUTE, ({ ids: [id = ''] }, forward) => {
          compressed.add(id);
          return forward();
        }),
        on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (body) => {
            const usage = body.usage as { total_tokens: number };
            return compressed.has(id) ? { ...body, usage: { ...usage, total_tokens: usage.total_tokens - 4 } } : body;
          }),
        ),
      );
    },
  },
  {
    id: 'compress.achieved-is-requested',
    area: 'compress',
    broken: 'achieved repeats what was asked for',
    killedBy: ['compress.no-op/achieved-is-one'],
    handler: answering((done) => {
      const { requested } = done.ratio as Json;
      return { ...done, ratio: { requested, achieved: requested } };
    }),
  },
  {
    id: 'compress.requested-is-achieved',
    area: 'compress',
    broken: 'requested repeats what was achieved',
    killedBy: ['compress.undo/requested-is-told'],
    handler: answering((done) => {
      const { achieved } = done.ratio as Json;
      return { ...done, ratio: { requested: achieved, achieved } };
    }),
  },
];

const loose = ({ pinned }: { pinned: boolean }) => !pinned;

const isNoOp = (done: Json) => done.object === 'session.compression' && done.summary === null;

/** What is refused, what does nothing, and what either leaves behind. */
const COMPRESS_REFUSAL_MUTANTS: readonly Mutant[] = [
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

/** Rehearsing, telling and undoing. */
const COMPRESS_UNDO_MUTANTS: readonly Mutant[] = [
  {
    id: 'compress.dry-run-compresses',
    area: 'compress',
    broken: 'dry_run is ignored',
    killedBy: ['compress.undo/rehearsal-changes-nothing'],
    handler: () =>
      on('POST', ROUTE, async ({ body }, forward) => {
        const { dry_run = false, ...rest } = body as Json;
        return editSuccess(await forward({ body: rest }), (done) => ({ ...done, dry_run }));
      }),
  },
  {
    id: 'compress.dry-run-takes-snapshot',
    area: 'compress',
    broken: 'a rehearsal takes the snapshot',
    killedBy: ['compress.undo/rehearsal-takes-no-snapshot'],
    handler: () =>
      on('POST', ROUTE, async ({ body, ids: [id] }, forward) => {
        if ((body as Json).dry_run === true) await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
        return forward();
      }),
  },
  {
    id: 'compress.dry-run-tells-nothing',
    area: 'compress',
    broken: 'a rehearsal tells the usage of today for what would be left',
    killedBy: ['compress.undo/rehearsal-tells-the-sizes'],
    handler: answering((done) => (done.dry_run === true ? { ...done, after: done.before } : done)),
  },
  {
    id: 'compress.before-is-after',
    area: 'compress',
    broken: 'the usage before is read when all is done',
    killedBy: ['compress.undo/before-as-read'],
    handler: answering((done) => (done.dry_run === true ? done : { ...done, before: done.after })),
  },
  {
    id: 'compress.after-is-estimated',
    area: 'compress',
    broken: 'the usage after is what the ratio should have made of it, rounded up',
    killedBy: ['compress.undo/after-as-read', 'compress.summary/told-in-the-answer'],
    handler: answering((done) => {
      const { total_tokens } = done.before as { total_tokens: number };
      const { requested } = done.ratio as { requested: number };
      return { ...done, after: { ...(done.after as Json), total_tokens: Math.floor(total_tokens / requested) + 1 } };
    }),
  },
  {
    id: 'compress.snapshot-of-after',
    area: 'compress',
    broken: 'the snapshot is taken when all is done',
    killedBy: ['compress.undo/snapshot-of-before'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        const done = (await response.clone().json()) as Json;
        if (done.snapshot_id === null) return response;
        const { body } = await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
        return editSuccess(response, () => ({ ...done, snapshot_id: body.id }));
      }),
  },
  {
    id: 'compress.snapshot-not-told',
    area: 'compress',
    broken: 'the answer leaves the snapshot out',
    killedBy: ['compress.undo/snapshot-of-before'],
    handler: answering((done) => ({ ...done, snapshot_id: null })),
  },
  {
    id: 'compress.undo-keeps-summary',
    area: 'compress',
    broken: 'the summary stays in front of what a rollback brings back',
    killedBy: ['compress.undo/undone-exactly'],
    handler: showAfter('rollback', (now, { before }) => [...before.filter(({ summary }) => summary), ...now]),
  },
];

const isSummary = (message: SessionMessage) => message.summary;

/** Changes the summary where it is listed. */
function summaries(edit: (summary: SessionMessage) => SessionMessage) {
  return showAfter('compress', (now) => now.map((message) => (message.summary ? edit(message) : message)));
}

/** What the window is after a compress. */
const COMPRESS_WINDOW_MUTANTS: readonly Mutant[] = [
  {
    id: 'compress.relabels',
    area: 'compress',
    broken: 'the answer tells a summary, and the window is what it was',
    killedBy: ['compress.undo/after-as-read', 'compress.summary/one-system-message', 'compress.budget/a-lot'],
    handler: () =>
      on('POST', ROUTE, async ({ body }, forward) => {
        const { dry_run = false, ...rest } = body as Json;
        return editSuccess(await forward({ body: { ...rest, dry_run: true } }), (done) => ({ ...done, dry_run }));
      }),
  },
  {
    id: 'compress.loses-pins',
    area: 'compress',
    broken: 'pinned messages are summarised with the rest',
    killedBy: ['compress.summary/pins-stay', 'compress.summary/behind-leading-pins'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        await unpin(forward, id);
        return forward();
      }),
  },
  {
    id: 'compress.loses-tools',
    area: 'compress',
    broken: 'the tools of the session go',
    killedBy: ['compress.summary/tools-stay'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        await ask(forward, 'POST', `/v1/sessions/${id}`, { tools: [] });
        return response;
      }),
  },
  {
    id: 'compress.preserve-len-ignored',
    area: 'compress',
    broken: 'preserve_len is ignored, and the newest messages are summarised too',
    killedBy: ['compress.summary/newest-stay-uncut'],
    handler: asking(({ preserve_len: _, ...rest }) => rest),
  },
  {
    id: 'compress.newest-shortened',
    area: 'compress',
    broken: 'the newest messages are shortened to make room',
    killedBy: ['compress.summary/newest-stay-uncut'],
    handler: showAfter('compress', (now) =>
      now.map((message) =>
        message.pinned || message.summary
          ? message
          : { ...message, content: contentText(message.content).slice(4), truncated: true },
      ),
    ),
  },
  {
    id: 'compress.summary-last',
    area: 'compress',
    broken: 'the summary stands at the end of the window',
    killedBy: ['compress.summary/behind-leading-pins', 'compress.summary/newest-stay-uncut'],
    handler: showAfter('compress', (now) => [...now.filter((one) => !one.summary), ...now.filter(isSummary)]),
  },
  {
    id: 'compress.summary-first',
    area: 'compress',
    broken: 'the summary stands before the leading pins',
    killedBy: ['compress.summary/behind-leading-pins'],
    handler: showAfter('compress', (now) => [...now.filter(isSummary), ...now.filter((one) => !one.summary)]),
  },
  {
    id: 'compress.summary-by-the-user',
    area: 'compress',
    broken: 'the summary is a message of the user',
    killedBy: ['compress.summary/one-system-message'],
    handler: summaries((summary) => ({ ...summary, role: 'user' })),
  },
  {
    id: 'compress.summary-not-flagged',
    area: 'compress',
    broken: 'the summary is not flagged',
    killedBy: ['compress.summary/one-system-message'],
    handler: summaries((summary) => ({ ...summary, summary: false })),
  },
  {
    id: 'compress.summary-pinned',
    area: 'compress',
    broken: 'the summary is pinned',
    killedBy: ['compress.summary/one-system-message'],
    handler: summaries((summary) => ({ ...summary, pinned: true })),
  },
  {
    id: 'compress.keeps-the-question',
    area: 'compress',
    broken: 'the first message of the user is kept beside its summary',
    killedBy: ['compress.summary/rest-is-gone'],
    handler: showAfter('compress', (now, { before }) => {
      const first = before.filter(({ role, pinned }) => role === 'user' && !pinned).slice(0, 1);
      const place = now.findIndex(isSummary) + 1;
      return [...now.slice(0, place), ...first, ...now.slice(place)];
    }),
  },
  {
    id: 'compress.keeps-earlier-summary',
    area: 'compress',
    broken: 'an earlier summary is kept beside the new one',
    killedBy: ['compress.absorbs/one-summary-each-time'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        for (const message of await windowAt(forward, id)) {
          if (!message.summary) continue;
          await ask(forward, 'POST', `/v1/sessions/${id}/messages/${message.id}`, { pinned: true });
        }
        return forward();
      }),
  },
  {
    id: 'compress.rewrites-earlier-summary',
    area: 'compress',
    broken: 'the new summary is written into the message of the earlier one',
    killedBy: ['compress.absorbs/another-summary'],
    handler: () => {
      const ids = new Map<string, unknown>();
      const first = (summary: Json, session: string): Json => {
        if (!ids.has(session)) ids.set(session, summary.id);
        return { ...summary, id: ids.get(session) };
      };
      return chain(
        on('POST', ROUTE, async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (done) =>
            done.summary === null ? done : { ...done, summary: first(done.summary as Json, id) },
          ),
        ),
        on('GET', '/v1/sessions/:id/messages', async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (list) => ({
            ...list,
            data: (list.data as Json[]).map((one) => (one.summary === true ? first(one, id) : one)),
          })),
        ),
      );
    },
  },
  {
    id: 'compress.summary-not-told',
    area: 'compress',
    broken: 'the answer leaves the summary out',
    killedBy: ['compress.summary/told-in-the-answer'],
    handler: answering((done) => ({ ...done, summary: null })),
  },
];

export const COMPRESS_MUTANTS: readonly Mutant[] = [
  ...COMPRESS_RATIO_MUTANTS,
  ...COMPRESS_WINDOW_MUTANTS,
  ...COMPRESS_UNDO_MUTANTS,
  ...COMPRESS_REFUSAL_MUTANTS,
];
