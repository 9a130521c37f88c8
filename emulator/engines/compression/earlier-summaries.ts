import type { Role } from '../../../contract/messages.ts';
import { sentences } from '../text/sentences.ts';
import {
  type Candidate,
  type CandidateList,
  type Passage,
  plainPassage,
  type Ref,
  type Section,
} from './candidates.ts';
import { NAME_CHARS, prosePassage, SENTENCE_END } from './passages.ts';
import { factKey } from './sentence-features.ts';
import { isCall, roleOf, type WindowWeights, weigh } from './speakers.ts';
import { GAP, type LabelledLine, oneLine, REPLACED, type ReadSummary, readSummary } from './summary-format.ts';

/** Weight of what an earlier summary holds: it was chosen once already. */
const KEPT_BEFORE = 1.5;
/** What a summary quotes of a message was longer before, at least by this factor. */
const SHORTENED = 2;
/** Of a value that was replaced, and of a line that a log's template stands for. */
const SPARE_WEIGHT = 0.1;
/** Between the lines of a message. */
const BORDER = '; ';
const MEMBER = /^([^:]{1,80}): (.*)$/s;

type Line = ReadSummary['lines'][number];

/** Takes earlier summaries apart again, so that their lines compete with the rest and keep their references. */
export class EarlierSummaries {
  /** Ids of the snapshots that lines refer to, oldest first. */
  readonly snapshots: string[] = [];
  readonly #list: CandidateList;
  readonly #maxNames: number;
  readonly #weights: WindowWeights;
  readonly #requests: Candidate[][] = [];
  #summary: ReadSummary | undefined;

  /**
   * At most `maxNames` snapshots are named; lines of older ones refer to the summary that holds them, which names
   * theirs.
   */
  constructor(list: CandidateList, maxNames: number, weights: WindowWeights) {
    this.#list = list;
    this.#weights = weights;
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
    const said = lengths(summary.lines);
    for (const line of summary.lines) {
      const ref = this.#resolve(line.letters, line.place, own);
      const until = line.until && this.#resolve(line.until.letters, line.until.place, own);
      const candidates = this.#addLine(line, ref, until, said.get(placeOf(line)) ?? 0);
      if (line.section === 'task') this.#requests.push(candidates);
      yield;
    }
  }

  /** The first and the latest request, given those of the messages that came after the earlier summaries. */
  requests(first: readonly Candidate[], latest: readonly Candidate[]): (readonly Candidate[])[] {
    const [oldest] = this.#requests;
    if (oldest === undefined) return [first, latest];
    const newest = [latest, first, this.#requests.at(-1) ?? []].find((candidates) => candidates.length > 0) ?? [];
    return newest === oldest ? [oldest] : [oldest, newest];
  }

  #addLine(line: Line, ref: Ref, until: Ref | undefined, chars: number): Candidate[] {
    const replaced = line.note === REPLACED;
    const isSample = line.section === 'logs' && line.note === '';
    this.#list.openLine(line.speaker, replaced || line.section === 'logs' ? line.note : '');
    const role = roleOf(line.speaker);
    const speech = { role, chars: SHORTENED * chars, weights: this.#weights, answers: false, kept: true };
    return passagesOf(line, role).map((passage) => {
      weigh(passage, speech);
      passage.asks = false;
      passage.weight *= replaced || isSample ? SPARE_WEIGHT : KEPT_BEFORE;
      const candidate = this.#list.add(passage, ref, `${ref.snapshot}#${ref.place}`);
      candidate.until = until;
      return candidate;
    });
  }

  #resolve(letters: string, place: number, own: Ref): Ref {
    const id = letters === '' ? this.#summary?.snapshotId : this.#summary?.aliases.get(letters);
    const snapshot = id === undefined ? -1 : this.snapshots.indexOf(id);
    return snapshot === -1 ? own : { snapshot, place };
  }
}

const placeOf = ({ letters, place }: Line): string => `${letters}#${place}`;

/** How much of each message the lines hold. */
function lengths(lines: readonly Line[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of lines) sums.set(placeOf(line), (sums.get(placeOf(line)) ?? 0) + line.body.length);
  return sums;
}

function passagesOf(line: Line, role: Role): Passage[] {
  const body = oneLine(line.body);
  if (line.section === 'logs') return [plainPassage('logs', body)];
  const members = line.section === 'facts' || isCall(line.speaker) ? body.split('; ') : [];
  if (members.length > 0 && members.every((member) => MEMBER.test(member))) return members.map(memberPassage);
  return body.split(GAP).flatMap((part) =>
    part.split(BORDER).flatMap((piece) =>
      sentences(piece).map(({ start, end }, at) => {
        const passage = prosePassage(piece.slice(start, end), role);
        const joint = at === 0 ? '\n' : ' ';
        return { ...passage, section: sectionAgain(line, passage.section), joint, names: isName(passage.text) };
      }),
    ),
  );
}

/** What a list item was called, without its mark. */
const isName = (piece: string): boolean => piece.length <= NAME_CHARS && !SENTENCE_END.test(piece);

/** A line stays in its section, but what was recent no longer is, and a request may be done. */
function sectionAgain(line: LabelledLine & { section: Section }, natural: Section): Section {
  return line.section === 'recent' || line.section === 'task' ? natural : line.section;
}

function memberPassage(text: string): Passage {
  const [, name = '', value = ''] = MEMBER.exec(text) ?? [];
  const key = factKey(name);
  return { ...plainPassage('facts', text), facts: [{ key, name: key, value }], salience: 1, joint: '; ' };
}
