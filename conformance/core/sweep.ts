import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Session } from '../../contract/sessions.ts';
import { Snapshot } from '../../contract/snapshots.ts';
import type { Target } from '../targets/target.ts';
import { type Account, openAccount } from './account.ts';
import { type Created, isLedgerName, type LedgerLine, RUN_MARK } from './ledger.ts';
import { Fault } from './verdict.ts';

export interface Swept {
  /** Ids that are gone now. */
  deleted: string[];
  /** Ids that could not be deleted. */
  left: string[];
  /** Ledgers of other targets, left alone. */
  others: string[];
}

/** What one ledger file says. */
interface Trace {
  run: string;
  target: string;
  open: Created[];
  /** Every session the run is known to have made, deleted ones included: their snapshots outlive them. */
  sessions: Set<string>;
}

/**
 * Finishes what killed runs left behind: what their ledgers name, the sessions that bear their mark, and the snapshots of both.
 * @throws Fault where the target cannot be read
 */
export async function sweep(target: Target, folder: string): Promise<Swept> {
  const swept: Swept = { deleted: [], left: [], others: [] };
  for (const name of ledgersIn(folder)) {
    const file = join(folder, name);
    const trace = readTrace(file);
    if (trace.target !== target.name) {
      swept.others.push(`${name} (${trace.target})`);
      continue;
    }
    const before = swept.left.length;
    for (const account of accountsOf(target)) await sweepAccount(account, trace, swept);
    if (swept.left.length === before) rmSync(file);
  }
  return swept;
}

function ledgersIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isLedgerName);
  } catch {
    return [];
  }
}

function accountsOf(target: Target): Account[] {
  const keys = { A: target.keys.a, B: target.keys.b };
  return Object.entries(keys).flatMap(([name, key]) => (key === undefined ? [] : [openAccount(target, key, name)]));
}

async function sweepAccount(account: Account, trace: Trace, swept: Swept): Promise<void> {
  const sessions = await account.list('/sessions', Session);
  const marked = sessions.filter(({ id, metadata }) => metadata[RUN_MARK] === trace.run || trace.sessions.has(id));
  const ours = new Set([...trace.sessions, ...marked.map(({ id }) => id)]);
  const named = new Set(trace.open.map(({ id }) => id));
  const snapshots = await account.list('/snapshots', Snapshot);
  const kept = snapshots.filter(({ id, session_id }) => named.has(id) || ours.has(session_id));
  for (const [kind, ids] of [
    ['sessions', marked.map(({ id }) => id)],
    ['snapshots', kept.map(({ id }) => id)],
  ] as const) {
    for (const id of ids) ((await account.remove(`/${kind}/${id}`)) ? swept.deleted : swept.left).push(id);
  }
}

/** A line that a kill cut short says nothing. */
function readTrace(file: string): Trace {
  const trace: Trace = { run: '', target: '', open: [], sessions: new Set() };
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    const line = parse(text);
    if (!line) continue;
    if ('ledger' in line) Object.assign(trace, { run: line.run, target: line.target });
    else if ('created' in line) {
      trace.open.push(line.created);
      if (line.created.kind === 'session') trace.sessions.add(line.created.id);
    } else if ('gone' in line) trace.open = trace.open.filter(({ id }) => id !== line.gone);
  }
  if (trace.run === '') throw new Fault(`${file} is no ledger`);
  return trace;
}

function parse(text: string): LedgerLine | undefined {
  try {
    return JSON.parse(text) as LedgerLine;
  } catch {
    return undefined;
  }
}
