import type { CaseContext } from '../core/case.ts';
import { expectEqual, expectSuccess } from '../core/expect.ts';
import type { Api } from '../wire/api.ts';

import type { Ground } from './routes.ts';

const NEWEST = 5;

/** All that a request on a ground could have changed: the session, its window and snapshots, and the newest of the account. */
export async function inventoryOf({ api, target }: CaseContext<string>, ground: Ground): Promise<object> {
  const session = await api.get(`/sessions/${ground.session}`);
  const isThere = session.status === 200;
  const lists = target.declares['sessions.list'] !== 'no';
  return {
    session: session.json,
    window: isThere ? await api.windowOf(ground.session) : null,
    snapshots: isThere ? await newest(api, `/sessions/${ground.session}/snapshots`) : null,
    snapshot: ground.snapshot === '' ? null : (await api.get(`/snapshots/${ground.snapshot}`)).json,
    sessions: lists ? await newest(api, '/sessions') : null,
    accountSnapshots: ground.snapshot === '' ? null : await newest(api, '/snapshots'),
  };
}

async function newest(api: Api, path: string): Promise<unknown> {
  const { data } = expectSuccess(await api.get(`${path}?limit=${NEWEST}`)).json as { data?: unknown };
  return data;
}

/** @throws Mismatch where anything on the ground is not as it was */
export async function expectNothingDone(context: CaseContext<string>, ground: Ground, before: object): Promise<void> {
  expectEqual(await inventoryOf(context, ground), before, 'what is there after a request that must do nothing');
}
