import { contentText } from '../../contract/messages.ts';
import { invalid } from '../api-error.ts';
import { SECTION_RULES, SECTIONS } from '../engines/compression/candidates.ts';
import { segment } from '../engines/compression/segment.ts';
import { type LabelledLine, oneLine, readSummary } from '../engines/compression/summary-format.ts';
import type { Services } from '../services.ts';
import { wordsOf } from '../sessions/messages.ts';
import { readWindow } from '../store/history.ts';
import type { SummaryLine, SummaryView } from './answers.ts';
import { readAt, type ShownWindow, type Subject } from './windows.ts';

/** Where a summary is looked for, and pieces that are shown at most. */
const FIRST_MESSAGES = 64;
const MOST_PIECES = 200;

/**
 * The summary of a window, line by line with the messages that they quote, and what of the window before it is left out.
 * @param query words of the pieces that are wanted
 * @throws ApiError where the window has no summary, or its snapshot is gone
 */
export async function summaryOf(
  services: Services,
  session: Subject,
  shown: ShownWindow,
  { query, section }: { query: string; section: string | undefined },
): Promise<SummaryView> {
  const { store, profiles } = services;
  const message = readAt(services, shown.view, 0, FIRST_MESSAGES).find(({ summary }) => summary);
  if (!message) throw invalid('the window has no summary at this moment', 'at');
  const content = contentText(message.body.content);
  const { snapshotId, aliases, lines } = readSummary(content);
  const snapshot = snapshotId === undefined ? undefined : store.snapshots.find(session.account, snapshotId);
  if (!snapshot) throw invalid('the snapshot that the summary was made of is deleted, or is not known', 'at');
  const made = store.past
    .of(session.id)
    .find(({ kind, ...moment }) => kind === 'compress' && moment.snapshot === snapshotId);
  const [window, left] = [
    await readWindow(store.history, snapshot.archived),
    await readWindow(store.history, made?.view ?? shown.view),
  ];
  const kept = new Set(left.map(({ id }) => id));
  const replaced = window.flatMap(({ id, body, summary }, index) =>
    kept.has(id) ? [] : [{ ref: index + 1, message: body, summary }],
  );
  const counter = await profiles.of(session.model).counter();
  const { candidates } = await segment(replaced, counter.tokenizer.count(content));
  const quoted = quotedTexts(lines);
  const counts = new Map(SECTIONS.map((name) => [name, { kept: 0, dropped: 0 }]));
  const words = wordsOf(query);
  const pieces: SummaryView['pieces'] = [];
  for (const { text, section: name, ref } of candidates) {
    // What an earlier summary quotes is not a message of this window.
    if (ref.snapshot !== -1) continue;
    const isKept = quoted.get(ref.place)?.some((body) => body.includes(text)) === true;
    const count = counts.get(name);
    if (count) count[isKept ? 'kept' : 'dropped'] += 1;
    if (isKept || (section !== undefined && section !== name)) continue;
    const lower = text.toLowerCase();
    if (words.every((word) => lower.includes(word))) pieces.push({ section: name, text, index: ref.place - 1 });
  }
  return {
    snapshot: snapshot.id,
    message: message.id,
    lines: lines.map((line) => toLine(line, snapshot.id, aliases)),
    dropped: [...counts].map(([name, count]) => ({ section: name, ...count })),
    pieces: pieces.slice(0, MOST_PIECES),
    more: pieces.length > MOST_PIECES,
  };
}

function quotedTexts(lines: readonly LabelledLine[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { letters, place, until, body } of lines) {
    if (letters !== '') continue;
    const last = until?.letters === '' ? until.place : place;
    for (const at of new Set([place, last])) found.set(at, [...(found.get(at) ?? []), oneLine(body)]);
  }
  return found;
}

function toLine(
  { section, note, speaker, letters, place, until, body }: LabelledLine & { section: keyof typeof SECTION_RULES },
  snapshot: string,
  aliases: ReadonlyMap<string, string>,
): SummaryLine {
  const to = until === undefined ? '' : `–${until.letters}#${until.place}`;
  return {
    section: SECTION_RULES[section].title,
    label: [note, speaker, `${letters}#${place}${to}`].filter(Boolean).join(' '),
    text: body,
    snapshot: letters === '' ? snapshot : (aliases.get(letters) ?? null),
    index: place - 1,
  };
}
