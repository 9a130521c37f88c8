import { contentText } from '../../../contract/content-text.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import { ask, editAnswers, editBodies, editSuccess, showAfter, unpin, windowAt } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { groupsOf, isPinned, tokensIn } from '../../wire/windows.ts';

const mutant = mutantsOf('truncate', { answered, lengths, sessions, shortened });

const ROUTE = '/v1/sessions/:id/truncate';

interface Usage {
  total_tokens: number;
  messages: number;
}

/** Changes the answer of a cut that succeeded. */
function answered(edit: (body: Json) => Json): Handler {
  return editAnswers('POST', ROUTE, edit);
}

/** Changes what cut sessions say of themselves, there and in the answer to the cut. */
function sessions(edit: (body: Json, cut: Json) => Json, counts: (cut: Json) => boolean = () => true): Handler {
  const cuts = new Map<string, Json>();
  return chain(
    editAnswers('POST', ROUTE, (cut, [id = '']) => {
      if (cut.dry_run === true || !counts(cut)) return cut;
      cuts.set(id, cut);
      return 'after' in cut ? { ...cut, ...edit({ usage: cut.after, version: cut.version }, cut) } : cut;
    }),
    editAnswers('GET', '/v1/sessions/:id', (body, [id = '']) => edit(body, cuts.get(id) ?? {})),
  );
}

const TRUNCATE_ANSWER_MUTANTS = [
  mutant('does-nothing', 'the cut is answered, and not done')
    .caughtBy('truncate.longest-run/exact-fit-stays', 'truncate.minimum/minimum-accepted')
    .on('POST', ROUTE, async ({ body }, forward) => {
      const response = await forward({ body: { ...(body as Json), dry_run: true } });
      return editSuccess(response, (cut) => ({ ...cut, dry_run: false }));
    }),
  mutant('dry-run-cuts', 'dry_run is ignored')
    .caughtBy('truncate.answer/rehearsal-changes-nothing')
    .on('POST', ROUTE, async ({ body }, forward) => {
      const { dry_run = false, ...rest } = body as Json;
      return editSuccess(await forward({ body: rest }), (cut) => ({ ...cut, dry_run }));
    }),
  mutant('dry-run-estimates', 'a dry run answers with preserve_len as the tokens after')
    .caughtBy('truncate.answer/rehearsal-tells-the-cut')
    .answered((cut) =>
      cut.dry_run === true ? { ...cut, after: { ...(cut.after as Usage), total_tokens: cut.preserve_len } } : cut,
    ),
  mutant('usage-not-updated', 'the usage of the session stays as it was before the cut')
    .caughtBy('truncate.answer/after-as-read usage-of-what-is-listed')
    .sessions((body, cut) => ('before' in cut && 'limits' in body ? { ...body, usage: cut.before } : body)),
  mutant('usage-keeps-frames', 'the usage after a cut counts the markers of the messages that went')
    .caughtBy('truncate.answer/usage-of-what-is-listed', 'truncate.longest-run/tools-counted')
    .proxy(() => {
      const more = new Map<string, number>();
      const larger = (usage: unknown, id: string) => {
        const { total_tokens, ...rest } = usage as Usage;
        return { ...rest, total_tokens: total_tokens + (more.get(id) ?? 0) };
      };
      return chain(
        editAnswers('POST', ROUTE, (cut, [id = '']) => {
          if (cut.dry_run !== true) more.set(id, 4 * (cut.removed as Usage).messages);
          return { ...cut, after: larger(cut.after, id) };
        }),
        editAnswers('GET', '/v1/sessions/:id', (body, [id = '']) => ({ ...body, usage: larger(body.usage, id) })),
      );
    }),
  mutant('before-is-after', 'the usage before is read after the cut')
    .caughtBy('truncate.answer/before-as-read')
    .answered((cut) => ({ ...cut, before: cut.after })),
  mutant('removed-in-messages', 'removed counts whole messages only')
    .caughtBy('truncate.text-cut/removed-of-a-text')
    .answered((cut) => ((cut.removed as Usage).messages === 0 ? { ...cut, removed: { messages: 0, tokens: 0 } } : cut)),
  mutant('removed-counts-kept', 'removed counts what was kept')
    .caughtBy('truncate.answer/removed-adds-up')
    .answered((cut) => {
      const { messages, total_tokens: tokens } = cut.after as Usage;
      return { ...cut, removed: { messages, tokens } };
    }),
  mutant('no-op-steps-version', 'the version steps where nothing was cut')
    .caughtBy('truncate.answer/again-changes-nothing larger-changes-nothing empty-window-succeeds')
    .proxy(() => {
      const steps = new Map<string, number>();
      const stepped = (body: Json, id: string) => ({ ...body, version: Number(body.version) + (steps.get(id) ?? 0) });
      return chain(
        editAnswers('POST', ROUTE, (cut, [id = '']) => {
          const { tokens } = cut.removed as { tokens: number };
          if (tokens === 0 && cut.dry_run !== true) steps.set(id, (steps.get(id) ?? 0) + 1);
          return stepped(cut, id);
        }),
        editAnswers('GET', '/v1/sessions/:id', (body, [id = '']) => stepped(body, id)),
      );
    }),
  mutant('always-cuts-one', 'at least one message goes each time')
    .caughtBy('truncate.answer/again-changes-nothing larger-changes-nothing')
    .on('POST', ROUTE, async ({ body, path }, forward) => {
      const { body: cut } = await ask(forward, 'POST', path, body);
      const { total_tokens = 0 } = (cut.after ?? {}) as Partial<Usage>;
      const nothingGone = (cut.removed as { tokens?: number } | undefined)?.tokens === 0;
      return forward(
        nothingGone && total_tokens > 0 ? { body: { ...(body as Json), preserve_len: total_tokens - 1 } } : {},
      );
    }),
  mutant('model-still-reads', 'the model reads a log of the session from which nothing is cut away')
    .caughtBy('truncate.memory/cut-away-unknown')
    .modelRemembers(ROUTE),
  mutant('model-reads-nothing', 'the model reads nothing of a window that has been cut')
    .caughtBy('truncate.memory/kept-known')
    .modelForgets(ROUTE),
];

const { min_preserve_tokens: LEAST } = SMALL_LIMITS;

/** Forwards another `preserve_len`, never one below the minimum where the client's was not. */
function lengths(change: (asked: number, forward: Forward, id: string) => Promise<number> | number): Handler {
  return on('POST', '/v1/sessions/:id/truncate', async ({ body, ids: [id = ''] }, forward) => {
    const { preserve_len: asked, ...rest } = body as { preserve_len: number };
    if (typeof asked !== 'number' || asked < LEAST) return forward();
    return forward({ body: { ...rest, preserve_len: Math.max(LEAST, await change(asked, forward, id)) } });
  });
}

const MINIMUM = [
  mutant('under-minimum-accepted', 'a preserve_len below the minimum is accepted')
    .caughtBy('truncate.minimum/less-refused')
    .editBodies('POST', '/v1/sessions/:id/truncate', (body) => {
      const { preserve_len, ...rest } = body as { preserve_len: number };
      return { ...rest, preserve_len: Math.max(preserve_len, LEAST) };
    }),
  mutant('minimum-refused', 'the minimum itself is refused')
    .caughtBy('truncate.minimum/minimum-accepted')
    .editBodies('POST', '/v1/sessions/:id/truncate', (body) => {
      const { preserve_len, ...rest } = body as { preserve_len: number };
      return { ...rest, preserve_len: preserve_len === LEAST ? LEAST - 1 : preserve_len };
    }),
  mutant('default-preserve-len', 'a missing preserve_len is taken for the minimum')
    .caughtBy('truncate.answer/needs-a-number')
    .editBodies('POST', '/v1/sessions/:id/truncate', (body) => ({ preserve_len: LEAST, ...body })),
  mutant('refused-after-cutting', 'the minimum is checked after the window has been cut')
    .caughtBy('truncate.minimum/less-refused')
    .on('POST', '/v1/sessions/:id/truncate', async ({ path, body }, forward) => {
      const { preserve_len } = body as { preserve_len: number };
      if (preserve_len < LEAST) await ask(forward, 'POST', path, { preserve_len: LEAST });
      return forward();
    }),
];

const COUNTS = [
  mutant('one-token-over', 'one token more than preserve_len is kept')
    .caughtBy('truncate.longest-run/one-token-less-goes', 'truncate.groups/gone-where-it-does-not')
    .lengths((asked) => asked + 1),
  mutant('one-token-under', 'what fits exactly is cut away')
    .caughtBy('truncate.longest-run/exact-fit-stays', 'truncate.groups/whole-where-it-fits')
    .lengths((asked) => asked - 1),
  mutant('pins-not-counted', 'pinned messages stay on top of preserve_len')
    .caughtBy('truncate.longest-run/pins-counted')
    .lengths(async (asked, forward, id) => {
      return asked + tokensIn((await windowAt(forward, id)).filter(({ pinned }) => pinned));
    }),
  mutant('tools-not-counted', 'the tools of the session stay on top of preserve_len')
    .caughtBy('truncate.longest-run/tools-counted')
    .lengths(async (asked, forward, id) => {
      const { usage } = (await ask(forward, 'GET', `/v1/sessions/${id}`)).body as { usage: { tools_tokens: number } };
      return asked + usage.tools_tokens;
    }),
  mutant('drifts', 'each cut of a session is off by one more token than the last')
    .caughtBy('truncate.laws/same-cut-again')
    .proxy(() => {
      let times = 0;
      return editBodies('POST', '/v1/sessions/:id/truncate', (body) => {
        const { preserve_len, ...rest } = body as { preserve_len: number };
        times += 1;
        return { ...rest, preserve_len: Math.max(LEAST, preserve_len - times) };
      });
    }),
  mutant('arguments-cut', 'what cannot be cut to preserve_len is left larger than asked, without a word')
    .caughtBy('truncate.least-named/calls-refused pins-refused')
    .on('POST', '/v1/sessions/:id/truncate', async ({ body }, forward) => {
      const asked = body as { preserve_len: number };
      const response = await forward();
      if (response.ok || asked.preserve_len < LEAST) return response;
      const { error } = (await response.json()) as { error: { message: string } };
      const least = Number(/at least (\d+)/.exec(error.message)?.[1]);
      return forward({ body: { ...asked, preserve_len: least } });
    }),
  mutant('least-is-the-minimum', 'every refusal names the minimum, whatever would work')
    .caughtBy('truncate.least-named/calls-least-works pins-least-works')
    .on('POST', '/v1/sessions/:id/truncate', async (_, forward) => {
      const response = await forward();
      if (response.ok) return response;
      const { error } = (await response.json()) as { error: Json };
      const message = `Invalid request: preserve_len must be at least ${LEAST}`;
      return json({ error: { ...error, message } }, response.status);
    }),
];

const WHAT_STAYS = [
  mutant('pins-ignored', 'pinned messages, the leading system message among them, go like any other')
    .caughtBy('truncate.longest-run/leading-system-stays pinned-stays', 'truncate.text-cut/stays-alone-with-pins')
    .on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
      await unpin(forward, id);
      return forward();
    }),
  mutant('tools-dropped', 'the tools of the session go with its head')
    .caughtBy('truncate.longest-run/tools-stay')
    .on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      await ask(forward, 'POST', `/v1/sessions/${id}`, { tools: [] });
      return response;
    }),
  mutant('summary-kept', 'the summary of a compress is held like a pinned message')
    .caughtBy('truncate.summary/summary-goes')
    .on('POST', '/v1/sessions/:id/truncate', async ({ ids: [id = ''] }, forward) => {
      for (const message of await windowAt(forward, id)) {
        if (!message.summary) continue;
        await ask(forward, 'POST', `/v1/sessions/${id}/messages/${message.id}`, { pinned: true });
      }
      return forward();
    }),
];

const TRUNCATE_BUDGET_MUTANTS = [...MINIMUM, ...COUNTS, ...WHAT_STAYS];

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

const RUNS = [
  mutant('removes-newest', 'the tail of the window is cut instead of its head')
    .caughtBy('truncate.longest-run/kept-as-listed', 'truncate.minimum/minimum-accepted')
    .showAfter('truncate', (now, { before }) => before.slice(0, now.length)),
  mutant('order-reversed', 'what stays is gathered newest first, and left so')
    .caughtBy('truncate.longest-run/kept-as-listed')
    .showAfter('truncate', (now) => now.toReversed()),
  mutant('groups-parted', 'messages are counted one by one, and results stay without their call')
    .caughtBy('truncate.groups/gone-where-it-does-not')
    .showAfter('truncate', (now, { before, body }) => {
      let left = lengthIn(body) - tokensIn(before.filter(({ pinned }) => pinned));
      const place = before.findLastIndex((message) => {
        left -= message.pinned ? 0 : message.tokens;
        return left < 0;
      });
      return now.some(({ truncated }) => truncated)
        ? now
        : before.filter((message, at) => message.pinned || at > place);
    }),
  mutant('pin-holds-one', 'a pin holds its message, and not the rest of its group')
    .caughtBy('truncate.groups/pinned-result-holds-call pinned-call-holds-results')
    .showAfter('truncate', (now) =>
      groupsOf(now).flatMap((group) => (isPinned(group) ? group.filter(({ pinned }) => pinned) : group)),
    ),
  mutant('packs-greedily', 'a group that does not fit is passed over, and older ones that do are kept')
    .caughtBy('truncate.laws/larger-keeps-superset')
    .showAfter('truncate', (now, { before, body }) => {
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
];

const TEXTS = [
  mutant('newest-dropped', 'a newest message that does not fit goes, and nothing is left')
    .caughtBy('truncate.text-cut/is-a-suffix stays-alone-with-pins')
    .shortened(() => undefined),
  mutant('text-tail-cut', 'a text is cut at its end')
    .caughtBy('truncate.text-cut/is-a-suffix')
    .shortened((message, { content }) => {
      return { ...message, content: contentText(content).slice(0, contentText(message.content).length) };
    }),
  mutant('text-cut-short', 'a text is cut to whole words with one to spare')
    .caughtBy('truncate.text-cut/longest-suffix')
    .shortened((message) => ({ ...message, content: contentText(message.content).replace(/^\s*\S+/, '') })),
  mutant('cut-not-counted', 'a message that was cut keeps the count of its whole text')
    .caughtBy('truncate.text-cut/counted-within', 'truncate.group-cut/group-within')
    .shortened((message, { tokens }) => ({ ...message, tokens })),
  mutant('cut-gets-new-id', 'a message that was cut is another message')
    .caughtBy('truncate.text-cut/same-id-and-marked')
    .shortened((message) => ({ ...message, id: `${message.id}x` })),
  mutant('cut-not-marked', 'a message that was cut does not say so')
    .caughtBy('truncate.text-cut/same-id-and-marked')
    .shortened((message) => ({ ...message, truncated: false })),
  mutant('cuts-again', 'a text that was cut loses a little more each time')
    .caughtBy('truncate.text-cut/again-changes-nothing')
    .showAfter('truncate', (now, { times }) =>
      now.map((message) =>
        message.truncated ? { ...message, content: contentText(message.content).slice(times - 1) } : message,
      ),
    ),
  mutant('halves-characters', 'a text is cut by UTF-16 units')
    .caughtBy('truncate.text-cut/characters-stay-whole')
    .shortened((message) => {
      const text = contentText(message.content);
      return { ...message, content: /^[\uD800-\uDBFF]/.test(text) ? text.slice(1) : text };
    }),
  mutant('results-emptied', 'a result that does not fit is emptied')
    .caughtBy('truncate.group-cut/no-text-emptied')
    .shortened((message) => (message.role === 'tool' ? { ...message, content: '' } : message)),
  mutant('calls-dropped', 'a group that does not fit loses its call and keeps its results')
    .caughtBy('truncate.group-cut/calls-stay')
    .showAfter('truncate', (now) =>
      now.some(({ truncated }) => truncated) ? now.filter(({ role }) => role !== 'assistant') : now,
    ),
  mutant('newest-result-first', 'the newest result is cut before the older ones')
    .caughtBy('truncate.group-cut/oldest-result-first then-the-next')
    .showAfter('truncate', (now, { before }) => {
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
];

const TRUNCATE_WINDOW_MUTANTS = [...RUNS, ...TEXTS];

export const TRUNCATE_MUTANTS: readonly Mutant[] = [
  ...TRUNCATE_BUDGET_MUTANTS,
  ...TRUNCATE_WINDOW_MUTANTS,
  ...TRUNCATE_ANSWER_MUTANTS,
];
