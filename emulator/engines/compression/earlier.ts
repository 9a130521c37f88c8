import { sentences } from '../text/sentences.ts';
import { proseDraft } from './drafts.ts';
import { GAP, type LabelledLine, REPLACED } from './labels.ts';
import { factKey } from './news.ts';
import { oneLine } from './quote.ts';
import { type ReadSummary, readSummary } from './read-summary.ts';
import type { Section } from './sections.ts';
import type { Draft, Ref, Unit } from './unit.ts';
import type { UnitList } from './unit-list.ts';

/** What was worth a place in an earlier summary starts with an advantage in the next. */
const KEPT_BEFORE = 1.5;
const REPLACED_WEIGHT = 0.1;
const MEMBER = /^([^:]{1,80}): (.*)$/s;

type Line = ReadSummary['lines'][number];

/** Takes earlier summaries apart again, so that their lines compete with the rest and keep their references. */
export class EarlierSummaries {
  /** Ids of the snapshots that lines refer to, oldest first. */
  readonly snapshots: string[] = [];
  readonly #list: UnitList;
  readonly #maxNames: number;
  readonly #requests: Unit[][] = [];
  #summary: ReadSummary | undefined;

  /**
   * At most `maxNames` snapshots are named; lines of older ones refer to the summary that holds them, which names
   * theirs.
   */
  constructor(list: UnitList, maxNames: number) {
    this.#list = list;
    this.#maxNames = maxNames;
  }

  /** Whether `content` is a summary with lines to take over; then `read` takes them. */
  open(content: string): boolean {
    this.#summary = readSummary(content);
    return this.#summary.lines.length > 0;
  }

  /** Adds the lines of the opened summary, which is itself message `own` of the window; stops after every line. */
  *read(own: Ref): Generator<void> {
    const summary = this.#summary;
    if (summary === undefined) return;
    const ids = [...summary.aliases.values(), summary.snapshotId ?? ''].filter((id) => id !== '');
    for (const id of ids.slice(-this.#maxNames)) if (!this.snapshots.includes(id)) this.snapshots.push(id);
    for (const line of summary.lines) {
      const ref = this.#resolve(line.letters, line.place, own);
      const until = line.until && this.#resolve(line.until.letters, line.until.place, own);
      const units = this.#addLine(line, ref, until);
      if (line.section === 'task') this.#requests.push(units);
      yield;
    }
  }

  /** The first and the latest request, given those of the messages that came after the earlier summaries. */
  requests(first: readonly Unit[], latest: readonly Unit[]): (readonly Unit[])[] {
    const [oldest] = this.#requests;
    if (oldest === undefined) return [first, latest];
    const newest = [latest, first, this.#requests.at(-1) ?? []].find((units) => units.length > 0) ?? [];
    return newest === oldest ? [oldest] : [oldest, newest];
  }

  #addLine(line: Line, ref: Ref, until: Ref | undefined): Unit[] {
    const replaced = line.note === REPLACED;
    const keepsNote = replaced || line.section === 'logs' || line.note.endsWith('()');
    this.#list.openLine(keepsNote ? line.note : '');
    return draftsOf(line).map((draft) => {
      draft.weight *= replaced ? REPLACED_WEIGHT : KEPT_BEFORE;
      const unit = this.#list.add(draft, ref, `${ref.snapshot}#${ref.place}`);
      unit.until = until;
      return unit;
    });
  }

  #resolve(letters: string, place: number, own: Ref): Ref {
    const id = letters === '' ? this.#summary?.snapshotId : this.#summary?.aliases.get(letters);
    const snapshot = id === undefined ? -1 : this.snapshots.indexOf(id);
    return snapshot === -1 ? own : { snapshot, place };
  }
}

function draftsOf(line: Line): Draft[] {
  const body = oneLine(line.body);
  if (line.section === 'logs') return [plainDraft('logs', body)];
  const members = line.section === 'facts' || line.note.endsWith('()') ? body.split('; ') : [];
  if (members.length > 0 && members.every((member) => MEMBER.test(member))) return members.map(memberDraft);
  return body.split(GAP).flatMap((part) =>
    sentences(part).map(({ start, end }) => {
      const draft = proseDraft(part.slice(start, end), 'assistant');
      return { ...draft, section: sectionAgain(line, draft.section), asks: false };
    }),
  );
}

/** A line stays in its section, but what was recent is so no longer, and a request may have been overtaken. */
function sectionAgain(line: LabelledLine & { section: Section }, natural: Section): Section {
  return line.section === 'recent' || line.section === 'task' ? natural : line.section;
}

function memberDraft(text: string): Draft {
  const [, name = '', value = ''] = MEMBER.exec(text) ?? [];
  const plain = factKey(name);
  return { ...plainDraft('facts', text), facts: [{ key: plain, plain, value }], news: 1, joint: '; ' };
}

function plainDraft(section: Section, text: string): Draft {
  return { section, text, weight: 1, facts: [], news: 0, asks: false, joint: ' ', log: false };
}
