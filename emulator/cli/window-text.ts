import type { MessageLine, Shares, SummaryLine } from '../inspector/answers.ts';
import { columns, grouped, oneLine, type Paint, wrap } from '../terminal/text.ts';

export function section(paint: Paint, title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', paint('bold', title), ...lines];
}

/** `28  user  12  pin  The code is 7.`; counted from 1, as a summary does. */
export function messageLine(
  { index, role, tokens, text, calls, media, pinned, held, summary, truncated }: MessageLine,
  width: number,
  paint: Paint,
): string {
  const marks = [pinned && 'pinned', held && !pinned && 'held', summary && 'summary', truncated && 'cut'].filter(
    Boolean,
  );
  const place = index < 0 ? '' : String(index + 1);
  const head = `${place.padStart(6)}  ${role.padEnd(9)}  ${grouped(tokens).padStart(7)}  `;
  const mark = marks.length === 0 ? '' : `[${marks.join(', ')}] `;
  const says = [...media.map((part) => `(${part})`), text, ...calls.map((call) => `→ ${call.name}(${call.arguments})`)];
  const room = Math.max(10, width - head.length - mark.length);
  return `${paint('dim', head)}${paint('yellow', mark)}${fitting(oneLine(says.filter(Boolean).join(' ')), room)}`;
}

/** So much of a text as takes at most these columns. */
export function fitting(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let taken = '';
  for (const character of text) {
    if (columns(taken + character) >= width) break;
    taken += character;
  }
  return `${taken}…`;
}

/** A moment of a session that changed its window. */
export interface Change {
  at: string;
  /** The moment before it; undefined where that is not known any more. */
  previous: string | undefined;
  kind: string;
  request: number | null;
  before: number | null;
  tokens: number | null;
  snapshot: string | null;
}

export function isCut(kind: string): boolean {
  return kind === 'truncate' || kind === 'compress';
}

export function changeLines({ kind, request, before, tokens, snapshot }: Change, width: number): string[] {
  const by = request === null ? '' : ` by request #${request}`;
  const sizes = before === null || tokens === null ? '' : `: ${grouped(before)} → ${grouped(tokens)} tokens`;
  return wrap(`${kind}${by}${sizes}${snapshot === null ? '' : `; ${snapshot} keeps what was`}`, width - 4).map(
    (line, place) => `${place === 0 ? '  ' : '    '}${line}`,
  );
}

/** A line of a summary, and below it the message that it is from. */
export function sourcedLine(
  { label, text, source }: SummaryLine & { source: MessageLine | null },
  width: number,
  paint: Paint,
): string[] {
  const [first = '', ...others] = wrap(oneLine(`${label} ${text}`), width - 4);
  const says = source === null ? 'its snapshot is deleted' : `${source.role}: ${oneLine(source.text)}`;
  return [`  ${first}`, ...others.map((line) => `    ${line}`), paint('dim', fitting(`    ← ${says}`, width))];
}

export const MIN_BAR = 10;
export const MAX_BAR = 50;
/** How each share is drawn: apart without colours too. */
const PARTS = {
  tools: { glyph: '▒', colour: 'magenta' },
  pins: { glyph: '█', colour: 'yellow' },
  summary: { glyph: '▓', colour: 'blue' },
  messages: { glyph: '■', colour: 'green' },
  free: { glyph: '·', colour: 'dim' },
} as const satisfies Record<keyof Shares, object>;
const SHARE_NAMES = Object.keys(PARTS) as (keyof Shares)[];

/** A window to scale; what is there at all has a place. */
export function bar(shares: Shares, width: number, paint: Paint): string {
  const total = Math.max(
    1,
    SHARE_NAMES.reduce((sum, name) => sum + shares[name], 0),
  );
  const cells = new Map(
    SHARE_NAMES.map((name) => [name, shares[name] === 0 ? 0 : Math.max(1, Math.floor((width * shares[name]) / total))]),
  );
  const over = () => [...cells.values()].reduce((sum, count) => sum + count, 0) - width;
  const byRest = SHARE_NAMES.toSorted(
    (a, b) => (((width * shares[b]) / total) % 1) - (((width * shares[a]) / total) % 1),
  );
  for (const name of byRest) if (over() < 0 && shares[name] > 0) cells.set(name, (cells.get(name) ?? 0) + 1);
  const widest = SHARE_NAMES.toSorted((a, b) => (cells.get(b) ?? 0) - (cells.get(a) ?? 0))[0] ?? 'free';
  cells.set(widest, Math.max(0, (cells.get(widest) ?? 0) - over()));
  return SHARE_NAMES.map((name) => paint(PARTS[name].colour, PARTS[name].glyph.repeat(cells.get(name) ?? 0))).join('');
}

export function legend(paint: Paint): string {
  return SHARE_NAMES.map((name) => `${paint(PARTS[name].colour, PARTS[name].glyph)} ${name}`).join('  ');
}

export function sharesText(shares: Shares): string {
  return SHARE_NAMES.map((name) => `${PARTS[name].glyph} ${name} ${grouped(shares[name])}`).join('  ');
}

export function thousands(tokens: number): string {
  return tokens < 10_000 ? String(tokens) : `${Math.round(tokens / 1_000)}k`;
}
