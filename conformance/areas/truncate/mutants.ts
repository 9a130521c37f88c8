import { contentText } from '../../../contract/content-text.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { ask, editSuccess, modelForgets, modelRemembers, showAfter, unpin, windowAt } from '../../proof/asking.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { chain, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { groupsOf, isPinned, tokensIn } from '../../wire/groups.ts';

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

const TRUNCATE_ANSWER_MUTANTS: readonly Mutant[] = [
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

const TRUNCATE_BUDGET_MUTANTS: readonly Mutant[] = [...MINIMUM, ...COUNTS, ...WHAT_STAYS];

const lengthIn = (body: { preserve_len?: unknown }) => Number(body.preserve_len);

/** Changes each message that a cut has shortened. */
function shortened(edit: (message: SessionMessage, original: SessionMessage) => SessionMessage | undefined) {
  return showAfter('truncate', (now, { before }) =>
    now.flatMap((message) => {
      const original = before.find(({ id }) => id === message.id);
      return message.truncated && original ? (edit(message, original) ?? []) : message;
    }),
  );
}

const RUNS: readonly Mutant[] = [
  {
    id: 'truncate.removes-newest',
    area: 'truncate',
    broken: 'the tail of the window is cut instead of its head',
    killedBy: ['truncate.longest-run/kept-as-listed', 'truncate.minimum/minimum-accepted'],
    handler: showAfter('truncate', (now, { before }) => before.slice(0, now.length)),
  },
  {
    id: 'truncate.order-reversed',
    area: 'truncate',
    broken: 'what stays is gathered newest first, and left so',
    killedBy: ['truncate.longest-run/kept-as-listed'],
    handler: showAfter('truncate', (now) => now.toReversed()),
  },
  {
    id: 'truncate.groups-parted',
    area: 'truncate',
    broken: 'messages are counted one by one, and results stay without their call',
    killedBy: ['truncate.groups/gone-where-it-does-not'],
    handler: showAfter('truncate', (now, { before, body }) => {
      let left = lengthIn(body) - tokensIn(before.filter(({ pinned }) => pinned));
      const place = before.findLastIndex((message) => {
        left -= message.pinned ? 0 : message.tokens;
        return left < 0;
      });
      return now.some(({ truncated }) => truncated)
        ? now
        : before.filter((message, at) => message.pinned || at > place);
    }),
  },
  {
    id: 'truncate.pin-holds-one',
    area: 'truncate',
    broken: 'a pin holds its message, and not the rest of its group',
    killedBy: ['truncate.groups/pinned-result-holds-call', 'truncate.groups/pinned-call-holds-results'],
    handler: showAfter('truncate', (now) =>
      groupsOf(now).flatMap((group) => (isPinned(group) ? group.filter(({ pinned }) => pinned) : group)),
    ),
  },
  {
    id: 'truncate.packs-greedily',
    area: 'truncate',
    broken: 'a group that does not fit is passed over, and older ones that do are kept',
    killedBy: ['truncate.laws/larger-keeps-superset'],
    handler: showAfter('truncate', (now, { before, body }) => {
      if (now.some(({ truncated }) => truncated)) return now;
      const groups = groupsOf(before);
      let left = lengthIn(body) - tokensIn(groups.filter(isPinned).flat());
      const taken = groups.toReversed().filter((group) => {
        if (isPinned(group)) return true;
        if (tokensIn(group) > left) return false;
        left -= tokensIn(group);
        return true;
      });
      return taken.toReversed().flat();
    }),
  },
];

const TEXTS: readonly Mutant[] = [
  {
    id: 'truncate.newest-dropped',
    area: 'truncate',
    broken: 'a newest message that does not fit goes, and nothing is left',
    killedBy: ['truncate.text-cut/is-a-suffix', 'truncate.text-cut/stays-alone-with-pins'],
    handler: shortened(() => undefined),
  },
  {
    id: 'truncate.text-tail-cut',
    area: 'truncate',
    broken: 'a text is cut at its end',
    killedBy: ['truncate.text-cut/is-a-suffix'],
    handler: shortened((message, { content }) => {
      return { ...message, content: contentText(content).slice(0, contentText(message.content).length) };
    }),
  },
  {
    id: 'truncate.text-cut-short',
    area: 'truncate',
    broken: 'a text is cut to whole words with one to spare',
    killedBy: ['truncate.text-cut/longest-suffix'],
    handler: shortened((message) => ({ ...message, content: contentText(message.content).replace(/^\s*\S+/, '') })),
  },
  {
    id: 'truncate.cut-not-counted',
    area: 'truncate',
    broken: 'a message that was cut keeps the count of its whole text',
    killedBy: ['truncate.text-cut/counted-within', 'truncate.group-cut/group-within'],
    handler: shortened((message, { tokens }) => ({ ...message, tokens })),
  },
  {
    id: 'truncate.cut-gets-new-id',
    area: 'truncate',
    broken: 'a message that was cut is another message',
    killedBy: ['truncate.text-cut/same-id-and-marked'],
    handler: shortened((message) => ({ ...message, id: `${message.id}x` })),
  },
  {
    id: 'truncate.cut-not-marked',
    area: 'truncate',
    broken: 'a message that was cut does not say so',
    killedBy: ['truncate.text-cut/same-id-and-marked'],
    handler: shortened((message) => ({ ...message, truncated: false })),
  },
  {
    id: 'truncate.cuts-again',
    area: 'truncate',
    broken: 'a text that was cut loses a little more each time',
    killedBy: ['truncate.text-cut/again-changes-nothing'],
    handler: showAfter('truncate', (now, { times }) =>
      now.map((message) =>
        message.truncated ? { ...message, content: contentText(message.content).slice(times - 1) } : message,
      ),
    ),
  },
  {
    id: 'truncate.halves-characters',
    area: 'truncate',
    broken: 'a text is cut by UTF-16 units',
    killedBy: ['truncate.text-cut/characters-stay-whole'],
    handler: shortened((message) => {
      const text = contentText(message.content);
      return { ...message, content: /^[\uD800-\uDBFF]/.test(text) ? text.slice(1) : text };
    }),
  },
  {
    id: 'truncate.results-emptied',
    area: 'truncate',
    broken: 'a result that does not fit is emptied',
    killedBy: ['truncate.group-cut/no-text-emptied'],
    handler: shortened((message) => (message.role === 'tool' ? { ...message, content: '' } : message)),
  },
  {
    id: 'truncate.calls-dropped',
    area: 'truncate',
    broken: 'a group that does not fit loses its call and keeps its results',
    killedBy: ['truncate.group-cut/calls-stay'],
    handler: showAfter('truncate', (now) =>
      now.some(({ truncated }) => truncated) ? now.filter(({ role }) => role !== 'assistant') : now,
    ),
  },
  {
    id: 'truncate.newest-result-first',
    area: 'truncate',
    broken: 'the newest result is cut before the older ones',
    killedBy: ['truncate.group-cut/oldest-result-first', 'truncate.group-cut/then-the-next'],
    handler: showAfter('truncate', (now, { before }) => {
      const lost = now.map(({ id, content }) => {
        const original = before.find((message) => message.id === id);
        return contentText(original?.content).length - contentText(content).length;
      });
      const all = lost.reduce((sum, characters) => sum + characters, 0);
      return now.map((message, place) => {
        const original = contentText(before.find(({ id }) => id === message.id)?.content);
        if (message.role !== 'tool') return message;
        return { ...message, content: place === now.length - 1 ? original.slice(all) : original };
      });
    }),
  },
];

const TRUNCATE_WINDOW_MUTANTS: readonly Mutant[] = [...RUNS, ...TEXTS];

export const TRUNCATE_MUTANTS: readonly Mutant[] = [
  ...TRUNCATE_BUDGET_MUTANTS,
  ...TRUNCATE_WINDOW_MUTANTS,
  ...TRUNCATE_ANSWER_MUTANTS,
];
