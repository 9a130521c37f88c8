import { contentText } from '../../../contract/content-text.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, editJson, type Forward, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import {
  ask,
  editAnswers,
  editBodies,
  editSuccess,
  noteRequests,
  showAfter,
  unpin,
  windowAt,
} from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { tokensIn } from '../../wire/windows.ts';
import { REHEARSAL_MUTANTS } from './rehearsal-mutants.ts';

const mutant = mutantsOf('compress', { answering, asking, onRefusal, summaries });

const ROUTE = '/v1/sessions/:id/compress';

/** Forwards another request. */
function asking(change: (body: Json) => Json): Handler {
  return editBodies('POST', ROUTE, change);
}

/** Changes the answer of a compress that succeeded. */
function answering(edit: (body: Json) => Json): Handler {
  return editAnswers('POST', ROUTE, edit);
}

/** Does something with refusals of this code, or of any. */
function onRefusal(
  code: string | undefined,
  work: (response: Response, request: Passing & { ids: string[] }, forward: Forward) => Promise<Response>,
): Handler {
  return on('POST', ROUTE, async (request, forward) => {
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
const COMPRESS_RATIO_MUTANTS = [
  mutant('half-the-ratio', '2 to 1 is reported as 4 to 1')
    .caughtBy(
      'compress.budget/not-whole a-lot',
      'compress.summary/still-within-budget',
      'compress.undo/achieved-is-true',
    )
    .on('POST', ROUTE, async ({ body }, forward) => {
      const { ratio, ...rest } = body as Json;
      if (typeof ratio !== 'number' || !(ratio > 1) || ratio > 64) return forward();
      const response = await forward({ body: { ...rest, ratio: 1 + (ratio - 1) / 2 } });
      return editSuccess(response, (done) => ({ ...done, ratio: { requested: ratio, achieved: ratio } }));
    }),
  mutant('saves-instead-of-divides', 'a ratio below 2 is taken for what is left of one and a tenth')
    .caughtBy('compress.budget/a-little')
    .asking((body) => (Number(body.ratio) > 1.05 && Number(body.ratio) < 2 ? { ...body, ratio: 1.1 } : body)),
  mutant('default-is-two', 'without a ratio it is 2 to 1')
    .caughtBy('compress.budget/four-by-default')
    .asking((body) => ({ ratio: 2, ...body })),
  mutant('ratios-clamped', 'a ratio that is out of range is brought into it')
    .caughtBy('compress.request/other-ratios-refused refused-unchanged')
    .asking((body) =>
      'ratio' in body ? { ...body, ratio: Math.min(64, Math.max(1.01, Number(body.ratio) || 4)) } : body,
    ),
  mutant('whole-ratios-only', 'the least ratio is 2')
    .caughtBy('compress.request/smallest-ratio-accepted', 'compress.budget/a-little')
    .asking((body) => (Number(body.ratio) < 2 ? { ...body, ratio: 0 } : body)),
  mutant('largest-ratio-refused', 'the largest ratio itself is refused')
    .caughtBy('compress.request/largest-ratio-accepted')
    .asking((body) => (body.ratio === 64 ? { ...body, ratio: 65 } : body)),
  mutant('format-ignored', 'every summary is an outline, whatever it says to be')
    .caughtBy('compress.formats/json text')
    .on('POST', ROUTE, async ({ body }, forward) => {
      const { format = 'outline', ...rest } = body as Json;
      if (!['outline', 'json', 'text'].includes(String(format))) return forward();
      return editSuccess(await forward({ body: rest }), (done) => ({ ...done, format }));
    }),
  mutant('outline-unknown', 'an outline can be had by asking for none only')
    .caughtBy('compress.formats/outline')
    .asking((body) => (body.format === 'outline' ? { ...body, format: 'headings' } : body)),
  mutant('json-by-default', 'without a format the summary is JSON')
    .caughtBy('compress.request/outline-by-default')
    .asking((body) => ({ format: 'json', ...body })),
  mutant('unknown-format-is-outline', 'a format that is not known is taken for the default')
    .caughtBy('compress.request/unknown-format-refused refused-unchanged')
    .asking((body) => (body.format === 'haiku' ? { ...body, format: 'outline' } : body)),
  mutant('formats-not-listed', 'the refusal of a format does not say which ones there are')
    .caughtBy('compress.request/formats-listed')
    .onRefusal('invalid_request', async () => refusal('Invalid request: unknown format', 'invalid_request', 'format')),
  mutant('minimum-raised', 'a preserve_len below the minimum is raised to it')
    .caughtBy('compress.request/under-minimum-refused refused-unchanged')
    .asking((body) =>
      'preserve_len' in body ? { ...body, preserve_len: Math.max(LEAST, Number(body.preserve_len)) } : body,
    ),
  mutant('usage-not-counted-anew', 'the usage after a compress leaves the markers of the summary out')
    .caughtBy('compress.budget/usage-of-what-is-listed')
    .proxy(() => {
      const compressed = new Set<string>();
      return chain(
        noteRequests('POST', ROUTE, ({ ids: [id = ''] }) => compressed.add(id)),
        editAnswers('GET', '/v1/sessions/:id', (body, [id = '']) => {
          const usage = body.usage as { total_tokens: number };
          return compressed.has(id) ? { ...body, usage: { ...usage, total_tokens: usage.total_tokens - 4 } } : body;
        }),
      );
    }),
  mutant('achieved-is-requested', 'achieved repeats what was asked for')
    .caughtBy('compress.no-op/achieved-is-one')
    .answering((done) => {
      const { requested } = done.ratio as Json;
      return { ...done, ratio: { requested, achieved: requested } };
    }),
  mutant('requested-is-achieved', 'requested repeats what was achieved')
    .caughtBy('compress.undo/requested-is-told')
    .answering((done) => {
      const { achieved } = done.ratio as Json;
      return { ...done, ratio: { requested: achieved, achieved } };
    }),
];

const loose = ({ pinned }: { pinned: boolean }) => !pinned;

const isNoOp = (done: Json) => done.object === 'session.compression' && done.summary === null;

/** What is refused, what does nothing, and what either leaves behind. */
const COMPRESS_REFUSAL_MUTANTS = [
  mutant('grows-tiny-sessions', 'a window with next to nothing in it gets a summary that is larger')
    .caughtBy('compress.no-op/one-token-less-is-left pins-are-not-replaceable')
    .on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      if (!response.ok || !isNoOp((await response.clone().json()) as Json)) return response;
      const summary = { role: 'system', content: 'Summary: nothing of note.' };
      await ask(forward, 'POST', `/v1/sessions/${id}/messages`, summary);
      return response;
    }),
  mutant('no-op-takes-snapshot', 'a snapshot is taken before it is seen that there is nothing to do')
    .caughtBy('compress.no-op/no-snapshot')
    .on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      const done = (await response.clone().json()) as Json;
      if (!isNoOp(done)) return response;
      const { body } = await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
      return editSuccess(response, () => ({ ...done, snapshot_id: body.id }));
    }),
  mutant('no-op-at-64', 'with exactly 64 tokens to replace it does nothing')
    .caughtBy('compress.no-op/from-64-on-it-acts')
    .on('POST', ROUTE, async (request, forward) => {
      const window = await windowAt(forward, request.ids[0] ?? '');
      return tokensIn(window.filter(loose)) === 64 ? doingNothing(request, forward) : forward();
    }),
  mutant('pins-count-as-replaceable', 'pins count towards what there is to replace, and then there is nothing')
    .caughtBy('compress.no-op/pins-are-not-replaceable')
    .on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
      const window = await windowAt(forward, id);
      const nothing = tokensIn(window.filter(loose)) < 64 && tokensIn(window) >= 64;
      return nothing ? refusal('no ratio is feasible', 'compress_infeasible', 'ratio') : forward();
    }),
  mutant('empty-window-refused', 'an empty window is refused')
    .caughtBy('compress.no-op/empty-window-succeeds')
    .on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
      const { status, body } = await ask(forward, 'GET', `/v1/sessions/${id}/messages`);
      const empty = status === 200 && (body.data as Json[]).length === 0;
      return empty ? refusal('Invalid request: nothing to compress', 'invalid_request') : forward();
    }),
  mutant('open-call-answered', 'an open call is given an empty result and summarised')
    .caughtBy('compress.open-call/refused said-before-anything-else')
    .onRefusal('tool_call_unanswered', async (_, { ids: [id] }, forward) => {
      const interrupted = { role: 'tool', tool_call_id: 'call_1', content: 'interrupted' };
      await ask(forward, 'POST', `/v1/sessions/${id}/messages`, interrupted);
      return forward();
    }),
  mutant('open-call-checked-last', 'whether there is anything to do is looked at before open calls are')
    .caughtBy('compress.open-call/said-before-anything-else')
    .onRefusal('tool_call_unanswered', async (response, request, forward) => {
      const window = await windowAt(forward, request.ids[0] ?? '');
      return tokensIn(window.filter(loose)) < 64 ? doingNothing(request, forward) : response;
    }),
  mutant('once-refused-always-refused', 'a session with a call that once was open is never compressed')
    .caughtBy('compress.open-call/accepted-once-answered')
    .proxy(() => {
      const refused = new Map<string, Response>();
      return on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
        const earlier = refused.get(id);
        if (earlier) return earlier.clone();
        const response = await forward();
        if (!response.ok) refused.set(id, response.clone());
        return response;
      });
    }),
  mutant('best-effort', 'a ratio that is not feasible is made as large as it can be, without a word')
    .caughtBy('compress.infeasible/refused')
    .onRefusal('compress_infeasible', async (response, { body }, forward) => {
      const [ratio] = /[\d.]+$/.exec(((await response.json()) as { error: { message: string } }).error.message) ?? [];
      return forward({ body: { ...(body as Json), ratio: Number(ratio) } });
    }),
  mutant('names-a-larger-ratio', 'the ratio that a refusal names leaves no room for the summary')
    .caughtBy('compress.infeasible/named-ratio-works')
    .onRefusal('compress_infeasible', async (response) =>
      editJson(response, ({ error }: { error: { message: string } }) => ({
        error: { ...error, message: error.message.replace(/[\d.]+$/, (ratio) => String(2 * Number(ratio))) },
      })),
    ),
  mutant('names-a-smaller-ratio', 'a refusal names a ratio that works, and not the largest')
    .caughtBy('compress.infeasible/a-larger-one-does-not')
    .onRefusal('compress_infeasible', async (response) =>
      editJson(response, ({ error }: { error: { message: string } }) => ({
        error: { ...error, message: error.message.replace(/[\d.]+$/, (ratio) => String(0.8 * Number(ratio))) },
      })),
    ),
  mutant('failed-leaves-snapshot', 'the snapshot of a compress that fails stays')
    .caughtBy('compress.open-call/refused-unchanged', 'compress.infeasible/refused-unchanged')
    .onRefusal(undefined, async (response, { ids: [id] }, forward) => {
      await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
      return response;
    }),
  mutant('failed-leaves-half', 'a compress that fails has removed what it was to replace')
    .caughtBy('compress.infeasible/refused-unchanged', 'compress.request/refused-unchanged')
    .onRefusal(undefined, async (response, { ids: [id] }, forward) => {
      await ask(forward, 'POST', `/v1/sessions/${id}/truncate`, { preserve_len: 220 });
      return response;
    }),
];

/** Rehearsing, telling and undoing. */
const COMPRESS_UNDO_MUTANTS = [
  mutant('dry-run-compresses', 'dry_run is ignored')
    .caughtBy('compress.undo/rehearsal-changes-nothing')
    .on('POST', ROUTE, async ({ body }, forward) => {
      const { dry_run = false, ...rest } = body as Json;
      return editSuccess(await forward({ body: rest }), (done) => ({ ...done, dry_run }));
    }),
  mutant('dry-run-takes-snapshot', 'a rehearsal takes the snapshot')
    .caughtBy('compress.undo/rehearsal-takes-no-snapshot')
    .on('POST', ROUTE, async ({ body, ids: [id] }, forward) => {
      if ((body as Json).dry_run === true) await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
      return forward();
    }),
  mutant('dry-run-tells-nothing', 'a dry run answers with the present usage as the usage after')
    .caughtBy('compress.undo/rehearsal-tells-the-sizes')
    .answering((done) => (done.dry_run === true ? { ...done, after: done.before } : done)),
  mutant('before-is-after', 'the usage before is read when all is done')
    .caughtBy('compress.undo/before-as-read')
    .answering((done) => (done.dry_run === true ? done : { ...done, before: done.after })),
  mutant('after-is-estimated', 'the usage after is what the ratio should have made of it, rounded up')
    .caughtBy('compress.undo/after-as-read', 'compress.summary/told-in-the-answer')
    .answering((done) => {
      const { total_tokens } = done.before as { total_tokens: number };
      const { requested } = done.ratio as { requested: number };
      return { ...done, after: { ...(done.after as Json), total_tokens: Math.floor(total_tokens / requested) + 1 } };
    }),
  mutant('snapshot-of-after', 'the snapshot is taken when all is done')
    .caughtBy('compress.undo/snapshot-of-before', 'compress.formats/outline-undone json-undone text-undone')
    .on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      const done = (await response.clone().json()) as Json;
      if (done.snapshot_id === null) return response;
      const { body } = await ask(forward, 'POST', `/v1/sessions/${id}/snapshots`, {});
      return editSuccess(response, () => ({ ...done, snapshot_id: body.id }));
    }),
  mutant('snapshot-not-told', 'the answer leaves the snapshot out')
    .caughtBy('compress.undo/snapshot-of-before')
    .answering((done) => ({ ...done, snapshot_id: null })),
  mutant('undo-keeps-summary', 'the summary stays in front of what a rollback brings back')
    .caughtBy('compress.undo/undone-exactly')
    .showAfter('rollback', (now, { before }) => [...before.filter(({ summary }) => summary), ...now]),
];

const isSummary = (message: SessionMessage) => message.summary;

/** Changes the summary where it is listed. */
function summaries(edit: (summary: SessionMessage) => SessionMessage) {
  return showAfter('compress', (now) => now.map((message) => (message.summary ? edit(message) : message)));
}

/** What the window is after a compress. */
const COMPRESS_WINDOW_MUTANTS = [
  mutant('relabels', 'the answer has a summary, and the window is unchanged')
    .caughtBy('compress.undo/after-as-read', 'compress.summary/one-system-message', 'compress.budget/a-lot')
    .on('POST', ROUTE, async ({ body }, forward) => {
      const { dry_run = false, ...rest } = body as Json;
      return editSuccess(await forward({ body: { ...rest, dry_run: true } }), (done) => ({ ...done, dry_run }));
    }),
  mutant('loses-pins', 'pinned messages are summarised with the rest')
    .caughtBy('compress.summary/pins-stay behind-leading-pins')
    .on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
      await unpin(forward, id);
      return forward();
    }),
  mutant('loses-tools', 'the tools of the session go')
    .caughtBy('compress.summary/tools-stay')
    .on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      await ask(forward, 'POST', `/v1/sessions/${id}`, { tools: [] });
      return response;
    }),
  mutant('preserve-len-ignored', 'preserve_len is ignored, and the newest messages are summarised too')
    .caughtBy('compress.summary/newest-stay-uncut')
    .asking(({ preserve_len: _, ...rest }) => rest),
  mutant('newest-shortened', 'the newest messages are shortened to make room')
    .caughtBy('compress.summary/newest-stay-uncut')
    .showAfter('compress', (now) =>
      now.map((message) =>
        message.pinned || message.summary
          ? message
          : { ...message, content: contentText(message.content).slice(4), truncated: true },
      ),
    ),
  mutant('summary-last', 'the summary stands at the end of the window')
    .caughtBy('compress.summary/behind-leading-pins newest-stay-uncut')
    .showAfter('compress', (now) => [...now.filter((one) => !one.summary), ...now.filter(isSummary)]),
  mutant('summary-first', 'the summary stands before the leading pins')
    .caughtBy('compress.summary/behind-leading-pins')
    .showAfter('compress', (now) => [...now.filter(isSummary), ...now.filter((one) => !one.summary)]),
  mutant('summary-by-the-user', 'the summary is a message of the user')
    .caughtBy('compress.summary/one-system-message')
    .summaries((summary) => ({ ...summary, role: 'user' })),
  mutant('summary-not-flagged', 'the summary is not flagged')
    .caughtBy('compress.summary/one-system-message')
    .summaries((summary) => ({ ...summary, summary: false })),
  mutant('summary-pinned', 'the summary is pinned')
    .caughtBy('compress.summary/one-system-message')
    .summaries((summary) => ({ ...summary, pinned: true })),
  mutant('keeps-the-question', 'the first message of the user is kept beside its summary')
    .caughtBy('compress.summary/rest-is-gone')
    .showAfter('compress', (now, { before }) => {
      const first = before.filter(({ role, pinned }) => role === 'user' && !pinned).slice(0, 1);
      const place = now.findIndex(isSummary) + 1;
      return [...now.slice(0, place), ...first, ...now.slice(place)];
    }),
  mutant('keeps-earlier-summary', 'an earlier summary is kept beside the new one')
    .caughtBy('compress.absorbs/one-summary-each-time')
    .on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
      for (const message of await windowAt(forward, id)) {
        if (!message.summary) continue;
        await ask(forward, 'POST', `/v1/sessions/${id}/messages/${message.id}`, { pinned: true });
      }
      return forward();
    }),
  mutant('rewrites-earlier-summary', 'the new summary is written into the message of the earlier one')
    .caughtBy('compress.absorbs/another-summary')
    .proxy(() => {
      const ids = new Map<string, unknown>();
      const first = (summary: Json, session: string): Json => {
        if (!ids.has(session)) ids.set(session, summary.id);
        return { ...summary, id: ids.get(session) };
      };
      return chain(
        editAnswers('POST', ROUTE, (done, [id = '']) =>
          done.summary === null ? done : { ...done, summary: first(done.summary as Json, id) },
        ),
        editAnswers('GET', '/v1/sessions/:id/messages', (list, [id = '']) => ({
          ...list,
          data: (list.data as Json[]).map((one) => (one.summary === true ? first(one, id) : one)),
        })),
      );
    }),
  mutant('summary-not-told', 'the answer leaves the summary out')
    .caughtBy('compress.summary/told-in-the-answer')
    .answering((done) => ({ ...done, summary: null })),
];

export const COMPRESS_MUTANTS: readonly Mutant[] = [
  ...COMPRESS_RATIO_MUTANTS,
  ...COMPRESS_WINDOW_MUTANTS,
  ...COMPRESS_UNDO_MUTANTS,
  ...COMPRESS_REFUSAL_MUTANTS,
  ...REHEARSAL_MUTANTS,
];
