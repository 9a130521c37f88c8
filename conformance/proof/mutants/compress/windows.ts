import { contentText } from '../../../../contract/content-text.ts';
import type { SessionMessage } from '../../../../contract/sessions.ts';
import { ask, editSuccess, showAfter, unpin, windowAt } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, on } from '../../proxy.ts';
import { answering, asking, ROUTE } from './route.ts';

const isSummary = (message: SessionMessage) => message.summary;

/** Changes the summary where it is listed. */
function summaries(edit: (summary: SessionMessage) => SessionMessage) {
  return showAfter('compress', (now) => now.map((message) => (message.summary ? edit(message) : message)));
}

/** What the window is after a compress. */
export const COMPRESS_WINDOW_MUTANTS: readonly Mutant[] = [
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
