import type { Api } from '../wire/api.ts';
import type { Created, Ledger } from './ledger.ts';
import { Fault } from './verdict.ts';

const MAX_PAGES = 50;

/** Deletes what a run has created, last in, first out. What is gone already is fine. @returns what could not be deleted */
export async function cleanUp(ledger: Ledger, apiOf: (account: string) => Api): Promise<Created[]> {
  const left: Created[] = [];
  for (const created of ledger.open) {
    if (await remove(apiOf(created.account), created)) ledger.gone(created.id);
    else left.push(created);
  }
  return left;
}

async function remove(api: Api, { kind, id }: Created): Promise<boolean> {
  try {
    const { status } = await api.delete(`/${kind}s/${id}`);
    return status < 300 || status === 404;
  } catch {
    return false;
  }
}

/** Deletes every session and snapshot of an account that is there for nothing else. @throws Fault where they stay */
export async function clear(api: Api): Promise<void> {
  for (const kind of ['sessions', 'snapshots']) {
    for (let pages = 0; ; pages += 1) {
      const ids = await firstPage(api, kind);
      if (ids.length === 0) break;
      if (pages === MAX_PAGES) throw new Fault(`the account cannot be emptied: its ${kind} stay`);
      for (const id of ids) await api.delete(`/${kind}/${id}`);
    }
  }
}

async function firstPage(api: Api, kind: string): Promise<string[]> {
  const { data = [] } = ((await api.get(`/${kind}?limit=100`)).json ?? {}) as { data?: { id: string }[] };
  return data.map(({ id }) => id);
}
