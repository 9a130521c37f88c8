import type { Role } from '../../../contract/messages.ts';
import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import type { Candidate, Ref } from './candidates.ts';
import { REPLACED } from './summary-format.ts';
import type { TermIndex } from './term-index.ts';

/** A name with more values than this is an attribute of many things rather than one thing that changes. */
const MAX_VALUES = 3;
/** Whoever said it: what no longer holds is no more worth for being rare. */
const REPLACED_WEIGHT = 0.04;
/** Factor on the salience of a fact whose name has many values. */
const GENERIC_SALIENCE = 0.25;

/** The values that a window gives for one key. */
interface ValueHistory {
  value: string;
  at: Ref;
  /** All values so far, from the second on. */
  values: Set<string> | undefined;
  /** One message gave it two values: it belongs to several things. */
  several: boolean;
}

/**
 * Lets the latest value of a fact win: candidates whose facts all have another value in a later message are marked and get
 * next to no weight, so that they come back only if there is room for history. Facts whose name has many values, because it
 * is an attribute of many things, lose salience.
 */
export async function markReplacedValues(candidates: readonly Candidate[]): Promise<void> {
  const latest = new Map<string, ValueHistory>();
  for (const candidate of candidates) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    for (const { key, name, value } of candidate.facts) {
      note(latest, key, value, candidate.ref);
      if (name !== key) note(latest, name, value, candidate.ref);
    }
  }
  for (const candidate of candidates) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    if (candidate.note === REPLACED || candidate.facts.length === 0) continue;
    if (candidate.facts.every(({ key, value }) => isReplaced(latest.get(key), value))) replace(candidate);
    if (candidate.facts.every(({ name }) => isGeneric(latest.get(name)))) candidate.salience *= GENERIC_SALIENCE;
  }
}

function note(latest: Map<string, ValueHistory>, key: string, value: string, at: Ref): void {
  const history = latest.get(key);
  if (history === undefined) latest.set(key, { value, at, values: undefined, several: false });
  else if (history.value !== value) {
    history.several ||= history.at.place === at.place && history.at.snapshot === at.snapshot;
    history.values ??= new Set([history.value]);
    if (history.values.size <= MAX_VALUES) history.values.add(value);
    history.value = value;
  }
  if (history !== undefined) history.at = at;
}

function isReplaced(history: ValueHistory | undefined, value: string): boolean {
  return history !== undefined && history.value !== value && !history.several && !isGeneric(history);
}

function isGeneric(history: ValueHistory | undefined): boolean {
  return history?.values !== undefined && history.values.size > MAX_VALUES;
}

function replace(candidate: Candidate): void {
  candidate.weight = REPLACED_WEIGHT;
  candidate.note = REPLACED;
  candidate.line = -candidate.line;
}

const WORDS = /[\w.+-]+/g;
const DATE = '\\d{4}[-/.]\\d\\d[-/.]\\d\\d|\\w{3} [ \\d]\\d|\\d\\d/\\w{3}/\\d{4}';
const CLOCK = '\\d\\d:\\d\\d(?::\\d\\d(?:[.,]\\d+)?)?';
const ZONE = 'Z|[+-]\\d\\d:?\\d\\d';
const LEADING_TIME = new RegExp(`^\\W{0,3}((?:(?:${DATE})[T :]?)?(?:${CLOCK})?(?:${ZONE})?)[\\])]?\\s*`);
/** Lines alike fewer times than this stand as they are. */
const MIN_COUNT = 3;
/** A place in a line with more values than this varies; with fewer each value is a template of its own. */
const MAX_KEPT_VALUES = 8;
const SAMPLE_WEIGHT = 0.08;

interface Line {
  readonly candidate: Candidate;
  readonly time: string;
  /** Words that hold a digit, in order. */
  readonly values: readonly string[];
}

interface Shape {
  readonly skeleton: string;
  readonly lines: Line[];
  readonly seen: Set<string>[];
}

/**
 * Collapses lines of logs that differ in numbers only: the first of them becomes the template, with a count and the
 * times and places of the first and the last; the others stay as samples of little weight. Places with few distinct
 * numbers (a status, a shard) keep them, so that the rare one is not lost among the many.
 */
export async function collapseLogs(candidates: readonly Candidate[]): Promise<void> {
  const shapes = new Map<string, Shape>();
  const earlier = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    if (candidate.log) addLine(shapes, candidate);
    else if (candidate.note.startsWith('×')) earlier.set(candidate.text, candidate);
  }
  for (const shape of shapes.values()) {
    for (const [template, lines] of await byTemplate(shape)) {
      const known = earlier.get(template);
      if (lines.length >= MIN_COUNT || known !== undefined) collapse(template, lines, known);
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    }
  }
}

function addLine(shapes: Map<string, Shape>, candidate: Candidate): void {
  const time = LEADING_TIME.exec(candidate.text)?.[1]?.trim() ?? '';
  const body = time === '' ? candidate.text : candidate.text.replace(LEADING_TIME, '');
  const values: string[] = [];
  const skeleton = body.replace(WORDS, (word) => (/\d/.test(word) ? `\0${values.push(word) && ''}` : word));
  let shape = shapes.get(skeleton);
  if (shape === undefined) {
    shape = { skeleton, lines: [], seen: values.map(() => new Set()) };
    shapes.set(skeleton, shape);
  }
  shape.lines.push({ candidate, time, values });
  for (const [at, value] of values.entries()) {
    const seen = shape.seen[at];
    if (seen !== undefined && seen.size <= MAX_KEPT_VALUES) seen.add(value);
  }
}

async function byTemplate({ skeleton, lines, seen }: Shape): Promise<Map<string, Line[]>> {
  const limit = Math.min(MAX_KEPT_VALUES, Math.floor(lines.length / MIN_COUNT));
  const parts = skeleton.split('\0');
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    const template = parts.reduce((text, part, at) => {
      const kept = (seen[at - 1]?.size ?? 0) <= limit;
      return `${text}${kept ? line.values[at - 1] : '*'}${part}`;
    });
    const group = groups.get(template);
    if (group === undefined) groups.set(template, [line]);
    else group.push(line);
  }
  return groups;
}

function collapse(template: string, lines: readonly Line[], earlier: Candidate | undefined): void {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return;
  for (const { candidate } of lines) candidate.weight *= SAMPLE_WEIGHT;
  const { count, times } = readNote(earlier?.note);
  const from = times[0] ?? first.time;
  const target = earlier ?? first.candidate;
  if (target === first.candidate) {
    // An error that recurs is quoted in full once more, where it came last.
    if (target.section === 'errors' && last !== first) last.candidate.weight = 1;
    target.section = 'logs';
    target.text = template;
  }
  const span = from === '' || last.time === '' ? '' : ` ${compact(from)}…${compact(last.time)}`;
  target.note = `×${count + lines.length}${span}`;
  target.until = last.candidate.ref.place === target.ref.place ? undefined : last.candidate.ref;
  target.weight = 1.2 + Math.log2(count + lines.length) / 8;
}

function readNote(note: string | undefined): { count: number; times: string[] } {
  const [, count = '0', times] = /^×(\d+)(?: (.*))?$/.exec(note ?? '') ?? [];
  return { count: Number(count), times: times?.split('…') ?? [] };
}

const compact = (time: string): string => time.replace(/[^\dT:.,+Z/-]+/g, 'T');

/** The share of a question's terms, weighted by rarity, that the messages after it must repeat for it to count as answered. */
const ANSWERED = 0.15;
const OPEN_WEIGHT = 1.3;

/**
 * Moves unanswered questions to the section of open ones: what a user asked and no later message before the user's next
 * mentions, and what an assistant asked in the end without a user speaking again.
 */
export async function markOpenQuestions(
  candidates: readonly Candidate[],
  roleOf: (candidate: Candidate) => Role,
  index: TermIndex,
): Promise<void> {
  const isNow = (candidate: Candidate) => candidate.ref.snapshot === -1;
  let asked: number[] = [];
  let answered = new Set<number>();
  let answers = 0;
  const settle = () => {
    for (const at of asked) {
      const candidate = candidates[at];
      if (candidate !== undefined && index.overlap(at, answered) < ANSWERED) open(candidate);
    }
    asked = [];
    answered = new Set();
  };
  for (const [at, candidate] of candidates.entries()) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    if (!isNow(candidate)) continue;
    const role = roleOf(candidate);
    if (role === 'user') {
      if (answers > 0) settle();
      answers = 0;
      if (candidate.asks) asked.push(at);
    } else {
      answers++;
      if (asked.length > 0) index.addTerms(at, answered);
    }
  }
  settle();
}

function open(candidate: Candidate): void {
  if (candidate.section === 'task') return;
  candidate.section = 'open';
  candidate.weight *= OPEN_WEIGHT;
}
