import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { listOf } from '../../contract/lists.ts';
import { Session } from '../../contract/sessions.ts';
import { Snapshot } from '../../contract/snapshots.ts';
import type { Target } from '../targets/target.ts';
import type { Api } from '../wire/api.ts';
import { Connection } from '../wire/connection.ts';
import {
  type CreatedResource,
  type CreatedResources,
  isResourceFileName,
  parseResourceFile,
  type ResourceFile,
  RUN_MARK,
} from './created-resources.ts';
import { expectBody } from './expect.ts';
import { Inconclusive } from './verdict.ts';

const MAX_PAGES = 100;

/** Deletes what a run has created, last in, first out. What is gone already is fine. @returns what could not be deleted */
export async function cleanUp(
  resources: CreatedResources,
  apiOf: (account: string) => Api,
): Promise<CreatedResource[]> {
  const left: CreatedResource[] = [];
  for (const created of resources.open) {
    if (await remove(apiOf(created.account), created)) resources.recordDeleted(created.id);
    else left.push(created);
  }
  return left;
}

async function remove(api: Api, { kind, id }: CreatedResource): Promise<boolean> {
  try {
    const { status } = await api.delete(`/${kind}s/${id}`);
    return status < 300 || status === 404;
  } catch {
    return false;
  }
}

/** Deletes every session and snapshot of an account that is there for nothing else. @throws Inconclusive where they stay */
export async function deleteEverything(api: Api): Promise<void> {
  for (const kind of ['sessions', 'snapshots']) {
    for (let pages = 0; ; pages += 1) {
      const ids = await firstPage(api, kind);
      if (ids.length === 0) break;
      if (pages === MAX_PAGES) throw new Inconclusive(`the account cannot be emptied: its ${kind} stay`);
      for (const id of ids) await api.delete(`/${kind}/${id}`);
    }
  }
}

async function firstPage(api: Api, kind: string): Promise<string[]> {
  const { data = [] } = ((await api.get(`/${kind}?limit=100`)).json ?? {}) as { data?: { id: string }[] };
  return data.map(({ id }) => id);
}

export interface SweepResult {
  /** Ids that are gone now. */
  deleted: string[];
  /** Ids that could not be deleted. */
  failed: string[];
  /** Records that were skipped, each with the target whose it is, or why that is not known. */
  skipped: string[];
  /** What is lost of records that were cut short, each in one line. */
  unreadable: string[];
}

/**
 * Finishes what killed runs left behind: what their records name, the sessions that bear their mark, and the snapshots of both. A record that was
 * cut short is swept as far as it goes.
 * @throws Inconclusive where the target cannot be read
 */
export async function sweep(target: Target, folder: string): Promise<SweepResult> {
  const swept: SweepResult = { deleted: [], failed: [], skipped: [], unreadable: [] };
  const accounts = accountsOf(target);
  for (const name of resourceFilesIn(folder)) {
    const file = join(folder, name);
    const trace = parseResourceFile(readFileSync(file, 'utf8'));
    if (trace === 'empty') swept.unreadable.push(`${name} was cut off before anything was created`);
    else if (trace === 'headless') swept.skipped.push(`${name} (its first line is missing)`);
    else if (trace.target !== target.name) swept.skipped.push(`${name} (${trace.target})`);
    else swept.unreadable.push(...trace.unreadable.map((line) => `${name}, ${line}`));
    const ours = typeof trace === 'object' && trace.target === target.name;
    const before = swept.failed.length;
    if (ours) for (const account of accounts) await sweepAccount(account, trace, swept);
    if (trace === 'empty' || (ours && swept.failed.length === before)) rmSync(file);
  }
  return swept;
}

function resourceFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isResourceFileName);
  } catch {
    return [];
  }
}

function accountsOf(target: Target): Account[] {
  const keys = { A: target.keys.a, B: target.keys.b };
  return Object.entries(keys).flatMap(([name, key]) => (key === undefined ? [] : [openAccount(target, key, name)]));
}

async function sweepAccount(account: Account, trace: ResourceFile, swept: SweepResult): Promise<void> {
  const sessions = await account.list('/sessions', Session);
  const marked = sessions.filter(({ id, metadata }) => metadata[RUN_MARK] === trace.run || trace.sessions.has(id));
  const ours = new Set([...trace.sessions, ...marked.map(({ id }) => id)]);
  const named = new Set(trace.open.map(({ id }) => id));
  const snapshots = await account.list('/snapshots', Snapshot);
  const kept = snapshots.filter(({ id, session_id }) => named.has(id) || ours.has(session_id));
  // A file carries no mark: only those are known whose upload was answered.
  const files = trace.open.filter(({ kind, account: owner }) => kind === 'file' && owner === account.name);
  for (const [kind, ids] of [
    ['sessions', marked.map(({ id }) => id)],
    ['snapshots', kept.map(({ id }) => id)],
    ['files', files.map(({ id }) => id)],
  ] as const) {
    for (const id of ids) ((await account.remove(`/${kind}/${id}`)) ? swept.deleted : swept.failed).push(id);
  }
}

/** What is in an account, without a run around it. */
interface Account {
  /** As records call it. */
  readonly name: string;
  list<Item extends z.ZodType<{ id: string }>>(path: string, item: Item): Promise<z.output<Item>[]>;
  /** @returns whether it is gone */
  remove(path: string): Promise<boolean>;
}

function openAccount(target: Target, key: string, name: string): Account {
  const connection = new Connection({ fetch: target.fetch, deadlineMs: target.deadlineMs });
  const send = (method: string, path: string) =>
    connection.send(`${method} ${path} of account ${name}`, {
      method,
      url: target.baseURL + path,
      headers: { Authorization: `Bearer ${key}` },
    });
  return {
    name,
    async list(path, item) {
      const items: z.output<typeof item>[] = [];
      let after = '';
      for (let pages = 0; pages < MAX_PAGES; pages += 1) {
        const page = expectBody(await send('GET', `${path}?limit=100${after}`), listOf(item));
        items.push(...page.data);
        if (!page.has_more) return items;
        after = `&after=${page.last_id}`;
      }
      throw new Inconclusive(`the list ${path} does not end`);
    },
    async remove(path) {
      const { status } = await send('DELETE', path);
      return status < 300 || status === 404;
    },
  };
}
