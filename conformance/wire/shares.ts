import { Snapshot } from '../../contract/snapshots.ts';
import { answered } from '../core/expect.ts';
import { Mismatch } from '../core/verdict.ts';
import type { Api } from './api.ts';

/** Shares a snapshot. @returns the share_id @throws Mismatch, Fault */
export async function share(api: Api, snapshotId: string, body: object = {}): Promise<string> {
  const reply = await api.post(`/snapshots/${snapshotId}/share`, body);
  const id = answered(reply, Snapshot).share?.share_id;
  if (id === undefined) throw new Mismatch(`${reply.what}: a share without a share_id`);
  return id;
}
