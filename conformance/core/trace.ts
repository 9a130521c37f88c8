import { type Created, LedgerLine } from './ledger.ts';

/** What a ledger file says. */
export interface Trace {
  run: string;
  target: string;
  open: Created[];
  /** Every session the run is known to have made, deleted ones included: their snapshots outlive them. */
  sessions: Set<string>;
  /** Lines that say nothing, since a kill or a full disk cut them short: `line 4 says nothing: {"created"`. */
  torn: string[];
}

/** `empty`: nothing came after the first line, not even all of that; `headless`: it does not say whose it is. */
export type TraceOrNone = Trace | 'empty' | 'headless';

const SHOWN = 60;

/** Reads the text of a ledger file as far as it says anything. */
export function readTrace(text: string): TraceOrNone {
  const lines = text.split('\n').flatMap((line, index) => (line === '' ? [] : [{ line, number: index + 1 }]));
  const said = lines.map(({ line }) => parse(line));
  const [head] = said;
  if (!head || !('ledger' in head)) return lines.length < 2 && !head ? 'empty' : 'headless';
  const trace: Trace = { run: head.run, target: head.target, open: [], sessions: new Set(), torn: [] };
  for (const [index, { line, number }] of lines.entries()) {
    const parsed = said[index];
    if (parsed) note(trace, parsed);
    else trace.torn.push(`line ${number} says nothing: ${line.slice(0, SHOWN)}`);
  }
  return trace;
}

function note(trace: Trace, line: LedgerLine): void {
  if ('created' in line) {
    trace.open.push(line.created);
    if (line.created.kind === 'session') trace.sessions.add(line.created.id);
  } else if ('gone' in line) trace.open = trace.open.filter(({ id }) => id !== line.gone);
}

function parse(text: string): LedgerLine | undefined {
  try {
    return LedgerLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
