import { expect, it } from 'vitest';
import { renderJournal } from '../../emulator/index.ts';
import { startEmulator } from '../support/emulator.ts';
import { createSession, sized, startSession } from '../support/session.ts';

it('the journal shows what was created, deleted, snapshotted and shared', async () => {
  const session = await startSession('in process');
  const { api } = session;
  const snapshot = String((await session.snapshot({ preserve_len: 5_000 })).body.id);
  await api.post(`/v1/snapshots/${snapshot}/share`);
  const fork = await createSession(api, { snapshot_id: snapshot });
  await session.rollback(snapshot);
  await api.delete(`/v1/snapshots/${snapshot}/share`);
  await api.delete(`/v1/snapshots/${snapshot}`);
  await api.delete(fork.path);
  await api.emulator.state.reset();
  expect(api.emulator.journal.entries().map((entry) => entry.facts)).toEqual([
    { created: { session: session.id } },
    { snapshot: { id: snapshot, preserve_len: 5_000 } },
    { shared: { share: 'shr_[redacted]', snapshot, expires_at: null } },
    { created: { session: fork.id, from_snapshot: snapshot } },
    { rolled_back: { snapshot, total: 0, first_place: expect.any(Number) } },
    { unshared: { snapshot } },
    { deleted: { snapshot } },
    { deleted: { session: fork.id } },
    { reset: true },
  ]);
});

it('the journal shows which faults acted on which request', async () => {
  const session = await startSession('in process');
  const { emulator } = session.api;
  emulator.faults.add({ effect: 'disk_full' });
  emulator.faults.add({ effect: 'delay', ms: 1, times: 2 });
  emulator.faults.add({ effect: 'compress_fails' });
  await session.append(sized(10));
  await session.append(sized(10));
  await session.append(sized(10));
  const entries = emulator.journal.entries({ operation: 'appendMessages' });
  expect(entries.map(({ status, faults }) => [status, faults])).toEqual([
    [500, ['delay', 'disk_full']],
    [200, ['delay']],
    [200, undefined],
  ]);
  expect(renderJournal(entries)).toContain('500 unexpected_output by the fault delay, disk_full');
});

it('a replayed answer has no effects in the journal', async () => {
  const api = await startEmulator('in process');
  const create = () => api.post<{ id: string }>('/v1/sessions', {}, { headers: { 'Idempotency-Key': 'one' } });
  const { id } = (await create()).body;
  await create();
  const [made, replayed] = api.emulator.journal.entries();
  expect(made?.facts).toEqual({ created: { session: id } });
  expect(replayed).toMatchObject({ status: 201, replayed: true });
  expect(replayed?.facts).toEqual({});
});
