import { contentText } from '../../../../contract/content-text.ts';
import type { SessionMessage } from '../../../../contract/sessions.ts';
import { groupsOf, isPinned, tokensIn } from '../../../wire/groups.ts';
import { showAfter } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';

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

export const TRUNCATE_WINDOW_MUTANTS: readonly Mutant[] = [...RUNS, ...TEXTS];
