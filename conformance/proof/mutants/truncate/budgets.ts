import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { tokensIn } from '../../../wire/groups.ts';
import { ask, unpin, windowAt } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { type Forward, type Handler, json, on } from '../../proxy.ts';

const { min_preserve_tokens: LEAST } = SMALL_LIMITS;

/** Forwards another `preserve_len`, never one below the minimum where the client's was not. */
function lengths(change: (asked: number, forward: Forward, id: string) => Promise<number> | number): () => Handler {
  return () =>
    on('POST', '/v1/sessions/:id/truncate', async ({ body, ids: [id = ''] }, forward) => {
      const { preserve_len: asked, ...rest } = body as { preserve_len: number };
      if (typeof asked !== 'number' || asked < LEAST) return forward();
      return forward({ body: { ...rest, preserve_len: Math.max(LEAST, await change(asked, forward, id)) } });
    });
}

const MINIMUM: readonly Mutant[] = [
  {
    id: 'truncate.under-minimum-accepted',
    area: 'truncate',
    broken: 'a preserve_len below the minimum is accepted',
    killedBy: ['truncate.minimum/less-refused'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', ({ body }, forward) => {
        const { preserve_len, ...rest } = body as { preserve_len: number };
        return forward({ body: { ...rest, preserve_len: Math.max(preserve_len, LEAST) } });
      }),
  },
  {
    id: 'truncate.minimum-refused',
    area: 'truncate',
    broken: 'the minimum itself is refused',
    killedBy: ['truncate.minimum/minimum-accepted'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', ({ body }, forward) => {
        const { preserve_len, ...rest } = body as { preserve_len: number };
        return forward({ body: { ...rest, preserve_len: preserve_len === LEAST ? LEAST - 1 : preserve_len } });
      }),
  },
  {
    id: 'truncate.default-preserve-len',
    area: 'truncate',
    broken: 'a missing preserve_len is taken for the minimum',
    killedBy: ['truncate.answer/needs-a-number'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', ({ body }, forward) =>
        forward({ body: { preserve_len: LEAST, ...(body as Json) } }),
      ),
  },
  {
    id: 'truncate.refused-after-cutting',
    area: 'truncate',
    broken: 'the minimum is checked after the window has been cut',
    killedBy: ['truncate.minimum/less-refused'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', async ({ path, body }, forward) => {
        const { preserve_len } = body as { preserve_len: number };
        if (preserve_len < LEAST) await ask(forward, 'POST', path, { preserve_len: LEAST });
        return forward();
      }),
  },
];

const COUNTS: readonly Mutant[] = [
  {
    id: 'truncate.one-token-over',
    area: 'truncate',
    broken: 'one token more than preserve_len is kept',
    killedBy: ['truncate.longest-run/one-token-less-goes', 'truncate.groups/gone-where-it-does-not'],
    handler: lengths((asked) => asked + 1),
  },
  {
    id: 'truncate.one-token-under',
    area: 'truncate',
    broken: 'what fits exactly is cut away',
    killedBy: ['truncate.longest-run/exact-fit-stays', 'truncate.groups/whole-where-it-fits'],
    handler: lengths((asked) => asked - 1),
  },
  {
    id: 'truncate.pins-not-counted',
    area: 'truncate',
    broken: 'pinned messages stay on top of preserve_len',
    killedBy: ['truncate.longest-run/pins-counted'],
    handler: lengths(async (asked, forward, id) => {
      return asked + tokensIn((await windowAt(forward, id)).filter(({ pinned }) => pinned));
    }),
  },
  {
    id: 'truncate.tools-not-counted',
    area: 'truncate',
    broken: 'the tools of the session stay on top of preserve_len',
    killedBy: ['truncate.longest-run/tools-counted'],
    handler: lengths(async (asked, forward, id) => {
      const { usage } = (await ask(forward, 'GET', `/v1/sessions/${id}`)).body as { usage: { tools_tokens: number } };
      return asked + usage.tools_tokens;
    }),
  },
  {
    id: 'truncate.drifts',
    area: 'truncate',
    broken: 'each cut of a session is off by one more token than the last',
    killedBy: ['truncate.laws/same-cut-again'],
    handler: () => {
      let times = 0;
      return on('POST', '/v1/sessions/:id/truncate', ({ body }, forward) => {
        const { preserve_len, ...rest } = body as { preserve_len: number };
        times += 1;
        return forward({ body: { ...rest, preserve_len: Math.max(LEAST, preserve_len - times) } });
      });
    },
  },
  {
    id: 'truncate.arguments-cut',
    area: 'truncate',
    broken: 'what cannot be cut to preserve_len is left larger than asked, without a word',
    killedBy: ['truncate.least-named/calls-refused', 'truncate.least-named/pins-refused'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', async ({ body }, forward) => {
        const asked = body as { preserve_len: number };
        const response = await forward();
        if (response.ok || asked.preserve_len < LEAST) return response;
        const { error } = (await response.json()) as { error: { message: string } };
        const least = Number(/at least (\d+)/.exec(error.message)?.[1]);
        return forward({ body: { ...asked, preserve_len: least } });
      }),
  },
  {
    id: 'truncate.least-is-the-minimum',
    area: 'truncate',
    broken: 'every refusal names the minimum, whatever would work',
    killedBy: ['truncate.least-named/calls-least-works', 'truncate.least-named/pins-least-works'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', async (_, forward) => {
        const response = await forward();
        if (response.ok) return response;
        const { error } = (await response.json()) as { error: Json };
        const message = `Invalid request: preserve_len must be at least ${LEAST}`;
        return json({ error: { ...error, message } }, response.status);
      }),
  },
];

const WHAT_STAYS: readonly Mutant[] = [
  {
    id: 'truncate.pins-ignored',
    area: 'truncate',
    broken: 'pinned messages, the leading system message among them, go like any other',
    killedBy: [
      'truncate.longest-run/leading-system-stays',
      'truncate.longest-run/pinned-stays',
      'truncate.text-cut/stays-alone-with-pins',
    ],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
        await unpin(forward, id);
        return forward();
      }),
  },
  {
    id: 'truncate.tools-dropped',
    area: 'truncate',
    broken: 'the tools of the session go with its head',
    killedBy: ['truncate.longest-run/tools-stay'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        await ask(forward, 'POST', `/v1/sessions/${id}`, { tools: [] });
        return response;
      }),
  },
  {
    id: 'truncate.summary-kept',
    area: 'truncate',
    broken: 'the summary of a compress is held like a pinned message',
    killedBy: ['truncate.summary/summary-goes'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
        for (const message of await windowAt(forward, id)) {
          if (!message.summary) continue;
          await ask(forward, 'POST', `/v1/sessions/${id}/messages/${message.id}`, { pinned: true });
        }
        return forward();
      }),
  },
];

export const TRUNCATE_BUDGET_MUTANTS: readonly Mutant[] = [...MINIMUM, ...COUNTS, ...WHAT_STAYS];
