import { ask, editSuccess, showAfter } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { on } from '../../proxy.ts';
import { answering, ROUTE } from './route.ts';

/** Rehearsing, telling and undoing. */
export const COMPRESS_UNDO_MUTANTS: readonly Mutant[] = [
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
