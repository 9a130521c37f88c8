import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Session } from '../../contract/sessions.ts';
import { Snapshot } from '../../contract/snapshots.ts';
import type { Target } from '../targets/target.ts';
import { type Account, openAccount } from './account.ts';
import { isLedgerName, RUN_MARK } from './ledger.ts';
import { readTrace, type Trace } from './trace.ts';

export interface Swept {
  /** Ids that are gone now. */
  deleted: string[];
  /** Ids that could not be deleted. */
  left: string[];
  /** Ledgers that were left alone, each with the target whose it is, or why that is not known. */
  others: string[];
  /** What is lost of ledgers that were cut short, each in one line. */
  torn: string[];
}

/**
 * Finishes what killed runs left behind: what their ledgers name, the sessions that bear their mark, and the snapshots of both. A ledger that was
 * cut short is swept as far as it goes.
 * @throws Fault where the target cannot be read
 */
export async function sweep(target: Target, folder: string): Promise<Swept> {
  const swept: Swept = { deleted: [], left: [], others: [], torn: [] };
  const accounts = accountsOf(target);
  for (const name of ledgersIn(folder)) {
    const file = join(folder, name);
    const trace = readTrace(readFileSync(file, 'utf8'));
    if (trace === 'empty') swept.torn.push(`${name} was cut before anything was created`);
    else if (trace === 'headless') swept.others.push(`${name} (its first line is not there)`);
    else if (trace.target !== target.name) swept.others.push(`${name} (${trace.target})`);
    else swept.torn.push(...trace.torn.map((line) => `${name}, ${line}`));
    const ours = typeof trace === 'object' && trace.target === target.name;
    const before = swept.left.length;
    if (ours) for (const account of accounts) await sweepAccount(account, trace, swept);
    if (trace === 'empty' || (ours && swept.left.length === before)) rmSync(file);
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
