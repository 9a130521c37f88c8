import { ask, editSuccess, modelForgets, modelRemembers } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, on } from '../../proxy.ts';

const ROUTE = '/v1/sessions/:id/truncate';

interface Usage {
  total_tokens: number;
  messages: number;
}

/** Changes the answer of a cut that succeeded. */
function answered(edit: (body: Json) => Json): () => Handler {
  return () => on('POST', ROUTE, async (_, forward) => editSuccess(await forward(), edit));
}

/** Changes what cut sessions say of themselves, there and in the answer to the cut. */
function sessions(edit: (body: Json, cut: Json) => Json, counts: (cut: Json) => boolean = () => true): () => Handler {
  return () => {
    const cuts = new Map<string, Json>();
    return chain(
      on('POST', ROUTE, async ({ ids: [id = ''] }, forward) =>
        editSuccess(await forward(), (cut) => {
          if (cut.dry_run === true || !counts(cut)) return cut;
          cuts.set(id, cut);
          return 'after' in cut ? { ...cut, ...edit({ usage: cut.after, version: cut.version }, cut) } : cut;
        }),
      ),
      on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) =>
        editSuccess(await forward(), (body) => edit(body, cuts.get(id) ?? {})),
      ),
    );
  };
}

export const TRUNCATE_ANSWER_MUTANTS: readonly Mutant[] = [
  {
    id: 'truncate.does-nothing',
    area: 'truncate',
    broken: 'the cut is answered, and not done',
    killedBy: ['truncate.longest-run/exact-fit-stays', 'truncate.minimum/minimum-accepted'],
    handler: () =>
      on('POST', ROUTE, async ({ body }, forward) => {
        const response = await forward({ body: { ...(body as Json), dry_run: true } });
        return editSuccess(response, (cut) => ({ ...cut, dry_run: false }));
      }),
  },
  {
    id: 'truncate.dry-run-cuts',
    area: 'truncate',
    broken: 'dry_run is ignored',
    killedBy: ['truncate.answer/rehearsal-changes-nothing'],
    handler: () =>
      on('POST', ROUTE, async ({ body }, forward) => {
        const { dry_run = false, ...rest } = body as Json;
        return editSuccess(await forward({ body: rest }), (cut) => ({ ...cut, dry_run }));
      }),
  },
  {
    id: 'truncate.dry-run-estimates',
    area: 'truncate',
    broken: 'a rehearsal tells preserve_len for what would be left',
    killedBy: ['truncate.answer/rehearsal-tells-the-cut'],
    handler: answered((cut) =>
      cut.dry_run === true ? { ...cut, after: { ...(cut.after as Usage), total_tokens: cut.preserve_len } } : cut,
    ),
  },
  {
    id: 'truncate.usage-not-updated',
    area: 'truncate',
    broken: 'the usage of the session stays as it was before the cut',
    killedBy: ['truncate.answer/after-as-read', 'truncate.answer/usage-of-what-is-listed'],
    handler: sessions((body, cut) => ('before' in cut && 'limits' in body ? { ...body, usage: cut.before } : body)),
  },
  {
    id: 'truncate.usage-keeps-frames',
    area: 'truncate',
    broken: 'the usage after a cut counts the markers of the messages that went',
    killedBy: ['truncate.answer/usage-of-what-is-listed', 'truncate.longest-run/tools-counted'],
    handler: () => {
      const more = new Map<string, number>();
      const larger = (usage: unknown, id: string) => {
        const { total_tokens, ...rest } = usage as Usage;
        return { ...rest, total_tokens: total_tokens + (more.get(id) ?? 0) };
      };
      return chain(
        on('POST', ROUTE, async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (cut) => {
            if (cut.dry_run !== true) more.set(id, 4 * (cut.removed as Usage).messages);
            return { ...cut, after: larger(cut.after, id) };
          }),
        ),
        on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (body) => ({ ...body, usage: larger(body.usage, id) })),
        ),
      );
    },
  },
  {
    id: 'truncate.before-is-after',
    area: 'truncate',
    broken: 'the usage before is read after the cut',
    killedBy: ['truncate.answer/before-as-read'],
    handler: answered((cut) => ({ ...cut, before: cut.after })),
  },
  {
    id: 'truncate.removed-counts-kept',
    area: 'truncate',
    broken: 'removed tells what was kept',
    killedBy: ['truncate.answer/removed-adds-up'],
    handler: answered((cut) => {
      const { messages, total_tokens: tokens } = cut.after as Usage;
      return { ...cut, removed: { messages, tokens } };
    }),
  },
  {
    id: 'truncate.no-op-steps-version',
    area: 'truncate',
    broken: 'the version steps where nothing was cut',
    killedBy: [
      'truncate.answer/again-changes-nothing',
      'truncate.answer/larger-changes-nothing',
      'truncate.answer/empty-window-succeeds',
    ],
    handler: () => {
      const steps = new Map<string, number>();
      const stepped = (body: Json, id: string) => ({ ...body, version: Number(body.version) + (steps.get(id) ?? 0) });
      return chain(
        on('POST', ROUTE, async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (cut) => {
            const { tokens } = cut.removed as { tokens: number };
            if (tokens === 0 && cut.dry_run !== true) steps.set(id, (steps.get(id) ?? 0) + 1);
            return stepped(cut, id);
          }),
        ),
        on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (body) => stepped(body, id)),
        ),
      );
    },
  },
  {
    id: 'truncate.always-cuts-one',
    area: 'truncate',
    broken: 'at least one message goes each time',
    killedBy: ['truncate.answer/again-changes-nothing', 'truncate.answer/larger-changes-nothing'],
    handler: () =>
      on('POST', ROUTE, async ({ body, path }, forward) => {
        const { body: cut } = await ask(forward, 'POST', path, body);
        const { total_tokens = 0 } = (cut.after ?? {}) as Partial<Usage>;
        const nothingGone = (cut.removed as { tokens?: number } | undefined)?.tokens === 0;
        return forward(
          nothingGone && total_tokens > 0 ? { body: { ...(body as Json), preserve_len: total_tokens - 1 } } : {},
        );
      }),
  },
  {
    id: 'truncate.model-still-reads',
    area: 'truncate',
    broken: 'the model reads a log of the session from which nothing is cut away',
    killedBy: ['truncate.memory/cut-away-unknown'],
    handler: modelRemembers(ROUTE),
  },
  {
    id: 'truncate.model-reads-nothing',
    area: 'truncate',
    broken: 'the model reads nothing of a window that has been cut',
    killedBy: ['truncate.memory/kept-known'],
    handler: modelForgets(ROUTE),
  },
];
