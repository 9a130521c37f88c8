import { describe, expect, it } from 'vitest';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, sized } from '../support/session.ts';
import { openJson, outcomeOf, startFaulty } from './faulty.ts';

describe.each(TRANSPORTS)('a fault is counted, %s', (transport) => {
  it.each([
    { effect: 'reset' },
    { effect: 'lose_answer' },
    { effect: 'disk_full' },
    { effect: 'session_busy' },
    { effect: 'error', code: 'engine_overloaded' },
    { effect: 'window_pressure', max_new_tokens: 10 },
  ] as const)('and acts exactly so often on requests at the same time: $effect', async (spec) => {
    const session = await startFaulty(transport);
    const handle = session.api.emulator.faults.add({ ...spec, operation: 'appendMessages', times: 5 });
    const send = () => outcomeOf(openJson(session.api, `${session.path}/messages`, sized(20)));
    const outcomes = await Promise.all(Array.from({ length: 12 }, send));
    expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(7);
    expect(handle.remaining).toBe(0);
    expect(await session.messages()).toHaveLength(1 + (spec.effect === 'lose_answer' ? 12 : 7));
  });

  it('only where it acts: not by a request that is refused before', async () => {
    const session = await startFaulty(transport);
    const handle = session.api.emulator.faults.add({ effect: 'disk_full' });
    expect((await session.append(sized(9_000))).status).toBe(400);
    expect((await session.api.post('/v1/tokenizers/estimate-token-count', { model: MODEL, messages: [] })).status).toBe(
      200,
    );
    expect(handle.remaining).toBe(1);
    expect((await session.append(sized(20))).status).toBe(500);
    expect(handle.remaining).toBe(0);
  });

  it('for its operations, session and key only', async () => {
    const api = await startEmulator(transport);
    const [one, other, otherAccount] = [
      await createSession(api),
      await createSession(api),
      await createSession(api, {}, 'sk-other'),
    ];
    const overloaded = { effect: 'error', code: 'engine_overloaded' } as const;
    const bySession = api.emulator.faults.add({ ...overloaded, session: one.id, times: 3 });
    expect((await other.show()).status).toBe(200);
    expect((await other.chat([sized(20)])).status).toBe(200);
    expect((await api.get('/v1/models')).status).toBe(200);
    expect((await one.show()).status).toBe(429);
    expect((await one.append(sized(20))).status).toBe(429);
    expect((await one.chat([sized(20)])).status).toBe(429);
    expect(bySession.remaining).toBe(0);

    const byKey = api.emulator.faults.add({ ...overloaded, key: 'sk-other' });
    expect((await one.show()).status).toBe(200);
    expect((await otherAccount.show()).status).toBe(429);
    expect(byKey.remaining).toBe(0);

    const byOperation = api.emulator.faults.add({ ...overloaded, operation: ['listModels', 'getBalance'], times: 2 });
    expect((await one.show()).status).toBe(200);
    expect((await api.get('/v1/models')).status).toBe(429);
    expect((await api.get('/v1/users/me/balance')).status).toBe(429);
    expect(byOperation.remaining).toBe(0);
  });

  it('in the order in which they were set; different effects act on one request together', async () => {
    const session = await startFaulty(transport);
    const { emulator } = session.api;
    emulator.faults.add({ effect: 'error', code: 'engine_overloaded' });
    emulator.faults.add({ effect: 'error', code: 'content_filter' });
    emulator.faults.add({ effect: 'delay', ms: 1 });
    expect((await session.append(sized(20))).status).toBe(429);
    expect((await session.append(sized(20))).status).toBe(400);
    expect(emulator.faults.list()).toEqual([]);
  });

  it('and what is left is listed, and can be taken away', async () => {
    const session = await startFaulty(transport);
    const { emulator } = session.api;
    const busy = emulator.faults.add({ effect: 'session_busy', times: 3, session: session.id });
    const limited = emulator.faults.add({
      effect: 'error',
      code: 'rpm_limit',
      operation: 'getSession',
      key: 'sk-other',
    });
    await session.append(sized(20));
    expect(emulator.faults.list()).toEqual([
      { id: busy.id, effect: 'session_busy', session: session.id, times: 3, remaining: 2, waiting: 0 },
      {
        id: limited.id,
        effect: 'error',
        code: 'rpm_limit',
        operation: 'getSession',
        account: expect.stringMatching(/^[0-9a-f]{8}$/),
        times: 1,
        remaining: 1,
        waiting: 0,
      },
    ]);
    expect(emulator.faults.unused()).toEqual([
      'session_busy: 2 of 3 left',
      'error code=rpm_limit on getSession: 1 of 1 left',
    ]);
    busy.remove();
    expect((await session.append(sized(20))).status).toBe(200);
    emulator.faults.clear();
    expect(emulator.faults.unused()).toEqual([]);
    emulator.faults.add({ effect: 'reset' });
    emulator.state.reset();
    expect(emulator.faults.list()).toEqual([]);
  });
});
