import { editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, on } from '../../proxy.ts';
import { answering, asking, LEAST, onRefusal, ROUTE, refusal } from './route.ts';

/** Ratios, formats and sizes. */
export const COMPRESS_RATIO_MUTANTS: readonly Mutant[] = [
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
