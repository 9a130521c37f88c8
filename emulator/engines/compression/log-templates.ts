import type { Pacer } from './pacer.ts';
import type { Unit } from './unit.ts';

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
  readonly unit: Unit;
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
export async function collapseLogs(units: readonly Unit[], pacer: Pacer): Promise<void> {
  const shapes = new Map<string, Shape>();
  const earlier = new Map<string, Unit>();
  for (const unit of units) {
    if (pacer.due()) await pacer.rest();
    if (unit.log) addLine(shapes, unit);
    else if (unit.note.startsWith('×')) earlier.set(unit.text, unit);
  }
  for (const shape of shapes.values()) {
    for (const [template, lines] of await byTemplate(shape, pacer)) {
      const known = earlier.get(template);
      if (lines.length >= MIN_COUNT || known !== undefined) collapse(template, lines, known);
      if (pacer.due()) await pacer.rest();
    }
  }
}

function addLine(shapes: Map<string, Shape>, unit: Unit): void {
  const time = LEADING_TIME.exec(unit.text)?.[1]?.trim() ?? '';
  const body = time === '' ? unit.text : unit.text.replace(LEADING_TIME, '');
  const values: string[] = [];
  const skeleton = body.replace(WORDS, (word) => (/\d/.test(word) ? `\0${values.push(word) && ''}` : word));
  let shape = shapes.get(skeleton);
  if (shape === undefined) {
    shape = { skeleton, lines: [], seen: values.map(() => new Set()) };
    shapes.set(skeleton, shape);
  }
  shape.lines.push({ unit, time, values });
  for (const [at, value] of values.entries()) {
    const seen = shape.seen[at];
    if (seen !== undefined && seen.size <= MAX_KEPT_VALUES) seen.add(value);
  }
}

async function byTemplate({ skeleton, lines, seen }: Shape, pacer: Pacer): Promise<Map<string, Line[]>> {
  const limit = Math.min(MAX_KEPT_VALUES, Math.floor(lines.length / MIN_COUNT));
  const parts = skeleton.split('\0');
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    if (pacer.due()) await pacer.rest();
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

function collapse(template: string, lines: readonly Line[], earlier: Unit | undefined): void {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return;
  for (const { unit } of lines) unit.weight *= SAMPLE_WEIGHT;
  const { count, times } = readNote(earlier?.note);
  const from = times[0] ?? first.time;
  const target = earlier ?? first.unit;
  if (target === first.unit) {
    // An error that recurs is told in full once more, where it came last.
    if (target.section === 'errors' && last !== first) last.unit.weight = 1;
    target.section = 'logs';
    target.text = template;
  }
  const span = from === '' || last.time === '' ? '' : ` ${compact(from)}…${compact(last.time)}`;
  target.note = `×${count + lines.length}${span}`;
  target.until = last.unit.ref.place === target.ref.place ? undefined : last.unit.ref;
  target.weight = 1.2 + Math.log2(count + lines.length) / 8;
}

function readNote(note: string | undefined): { count: number; times: string[] } {
  const [, count = '0', times] = /^×(\d+)(?: (.*))?$/.exec(note ?? '') ?? [];
  return { count: Number(count), times: times?.split('…') ?? [] };
}

const compact = (time: string): string => time.replace(/[^\dT:.,+Z/-]+/g, 'T');
