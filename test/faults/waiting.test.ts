import { describe, expect, it, vi } from 'vitest';
import type { FaultHandle } from '../../emulator/index.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { sized } from '../support/session.ts';
import { openJson, outcomeOf, RESET, startFaulty } from './faulty.ts';

const HOUR_MS = 3_600_000;

const acted = (handle: FaultHandle) => vi.waitUntil(() => handle.remaining === 0);

describe.each(TRANSPORTS)('waiting, %s', (transport) => {
  it('delays what is done by real milliseconds', async () => {
    const session = await startFaulty(transport);
    session.api.emulator.faults.add({ effect: 'delay', ms: 1 });
    expect((await session.append(sized(20))).status).toBe(200);
    expect(session.api.emulator.faults.list()).toEqual([]);
  });

  it.each(['hang', 'delay'] as const)('%s has done nothing yet, and goes on when it is removed', async (effect) => {
    const session = await startFaulty(transport);
    const handle = session.api.emulator.faults.add(effect === 'hang' ? { effect } : { effect, ms: HOUR_MS });
    const append = session.append(sized(20));
    await acted(handle);
    expect(await session.messages()).toHaveLength(1);
    handle.remove();
    expect((await append).status).toBe(200);
    expect(await session.messages()).toHaveLength(2);
  });

  it('goes on when all faults are cleared, over the control route too', async () => {
    const session = await startFaulty(transport);
    const { api } = session;
    const handle = api.emulator.faults.add({ effect: 'hang', times: 2 });
    const waiting = [session.append(sized(20)), session.append(sized(20))];
    await acted(handle);
    await api.delete('/_emulator/faults');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('is listed, and goes on when its fault is taken away over the control route', async () => {
    const session = await startFaulty(transport);
    const { api } = session;
    const other = api.emulator.faults.add({ effect: 'hang', operation: 'getModel' });
    const { body } = await api.post<{ id: string }>('/_emulator/faults', { effect: 'hang' });
    const append = session.append(sized(20));
    const listed = async () => (await api.get<{ data: object[] }>('/_emulator/faults')).body.data;
    await vi.waitUntil(async () => (await listed()).some((each) => 'waiting' in each && each.waiting === 1));
    expect(await listed()).toMatchObject([
      { id: other.id, remaining: 1, waiting: 0 },
      { id: body.id, effect: 'hang', remaining: 0, waiting: 1 },
    ]);
    expect(api.emulator.faults.unused()).toHaveLength(1);
    expect((await api.delete(`/_emulator/faults/${body.id}`)).body).toEqual({ id: body.id, deleted: true });
    expect((await append).status).toBe(200);
    expect(await listed()).toMatchObject([{ id: other.id }]);
    const gone = await api.delete(`/_emulator/faults/${body.id}`);
    expect(gone.status).toBe(404);
    expect(gone.headers.get('kimi-emulator-hint')).toContain('GET /_emulator/faults lists');
  });

  it('goes on when the state is reset', async () => {
    const session = await startFaulty(transport);
    const handle = session.api.emulator.faults.add({ effect: 'hang' });
    const waiting = session.append(sized(20));
    await acted(handle);
    session.api.emulator.state.reset();
    expect((await waiting).status).toBe(404);
  });

  it('ends when its client goes, and does nothing', async () => {
    const session = await startFaulty(transport);
    const { api } = session;
    const before = await session.state();
    const handle = api.emulator.faults.add({ effect: 'hang' });
    const abort = new AbortController();
    const waiting = openJson(api, `${session.path}/messages`, sized(20), { signal: abort.signal });
    await vi.waitUntil(() => handle.waiting === 1);
    abort.abort();
    await expect(waiting).rejects.toThrow('aborted');
    await vi.waitUntil(() => handle.waiting === 0);
    handle.remove();
    expect(await session.state()).toEqual(before);
  });

  it('ends when the emulator closes', async () => {
    const api = await startEmulator(transport);
    const handle = api.emulator.faults.add({ effect: 'hang', times: 2 });
    const waiting = [outcomeOf(api.open('GET', '/v1/models')), outcomeOf(api.open('GET', '/v1/models'))];
    await acted(handle);
    await api.emulator.close();
    expect((await Promise.all(waiting)).map(({ failed }) => failed)).toEqual([RESET, RESET]);
  });
});
