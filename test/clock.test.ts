import { describe, expect, it } from 'vitest';
import type { Session } from '../contract/sessions.ts';
import { MovableClock, stillClock } from '../emulator/clock.ts';
import { startEmulator, TRANSPORTS } from './support/emulator.ts';

const DAY_SECONDS = 86_400;

describe('a clock', () => {
  it('runs like the clock it wraps, moved forward', () => {
    let base = 1_000;
    const clock = new MovableClock({ now: () => base });
    expect(clock.advance(500)).toBe(1_500);
    base = 2_000;
    expect(clock.now()).toBe(2_500);
  });

  it('is never moved back, nor beyond what a date can name', () => {
    const clock = new MovableClock(stillClock(1_000));
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, 9e15, '5' as unknown as number]) {
      expect(() => clock.advance(ms)).toThrow(RangeError);
    }
    clock.reach(900);
    expect(clock.now()).toBe(1_000);
    clock.reach(1_200);
    expect(clock.now()).toBe(1_200);
  });

  it('restarts at its stored time', () => {
    const clock = new MovableClock(stillClock(1_000));
    clock.advance(10);
    clock.saveBaseline();
    clock.advance(20);
    clock.reset();
    expect(clock.now()).toBe(1_010);
  });
});

describe.each(TRANSPORTS)("the emulator's clock %s", (transport) => {
  it('stands still at a fixed instant where there is a seed, until it is moved', async () => {
    const api = await startEmulator(transport, { seed: 1 });
    const start = Date.UTC(2026, 10, 30) / 1_000;
    expect((await api.get('/_emulator/clock')).body).toEqual({ now: start });
    expect((await api.post<Session>('/v1/sessions')).body.created_at).toBe(start);
    expect((await api.post('/_emulator/clock', { advance: 90.5 })).body).toEqual({ now: start + 90 });
    expect((await api.post<Session>('/v1/sessions')).body.created_at).toBe(start + 90);
    expect(api.emulator.clock.now()).toBe(1_000 * start + 90_500);
  });

  it('follows the system clock without a seed', async () => {
    const api = await startEmulator(transport);
    const before = Date.now();
    api.emulator.clock.advance(1_000_000);
    const passed = api.emulator.clock.now() - before;
    expect(passed).toBeGreaterThanOrEqual(1_000_000);
    expect(passed).toBeLessThan(1_060_000);
  });

  it('ends shares and the memory of keys at once', async () => {
    const api = await startEmulator(transport);
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const first = await api.post<Session>('/v1/sessions', {}, call);
    const { body } = await api.post<{ id: string }>(`/v1/sessions/${first.body.id}/snapshots`);
    const shared = await api.post<{ share: { share_id: string } }>(`/v1/snapshots/${body.id}/share`, {
      expires_in: 60,
    });
    const share = `/v1/shares/${shared.body.share.share_id}`;
    await api.post('/_emulator/clock', { advance: 30 });
    expect((await api.get(share)).status).toBe(200);
    await api.post('/_emulator/clock', { advance: 31 });
    expect((await api.get(share)).status).toBe(404);
    expect((await api.post('/v1/sessions', {}, call)).text).toBe(first.text);
    api.emulator.clock.advance(1_000 * DAY_SECONDS);
    expect((await api.post<Session>('/v1/sessions', {}, call)).body.id).not.toBe(first.body.id);
  });

  it.each([{}, { advance: -1 }, { advance: '60' }, { advance: 1e18 }, { advance: 1, by: 2 }, { forward: 1 }])(
    'rejects advance by %j',
    async (body) => {
      const api = await startEmulator(transport, { seed: 1 });
      const before = api.emulator.clock.now();
      expect((await api.post('/_emulator/clock', body)).status).toBe(400);
      expect(api.emulator.clock.now()).toBe(before);
    },
  );
});
