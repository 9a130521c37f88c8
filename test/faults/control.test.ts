import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { type expectRefusal, sized } from '../support/session.ts';
import { openChat, outcomeOf, RESET, startFaulty } from './faulty.ts';

const FAULTS = '/_emulator/faults';

describe.each(TRANSPORTS)('/_emulator/faults, %s', (transport) => {
  it('sets, lists and takes away', async () => {
    const api = await startEmulator(transport);
    const first = await api.post(FAULTS, { effect: 'error', code: 'rpm_limit', times: 2 });
    expect([first.status, first.body]).toEqual([
      201,
      { id: 'fault_1', effect: 'error', code: 'rpm_limit', times: 2, remaining: 2, waiting: 0 },
    ]);
    await api.post(FAULTS, { effect: 'reset', operation: ['getModel'], key: 'sk-secret' });
    expect((await api.get('/v1/models')).status).toBe(429);
    const { body, text } = await api.get(FAULTS);
    expect(body).toMatchObject({ object: 'list', data: [{ id: 'fault_1', remaining: 1 }, { id: 'fault_2' }] });
    expect(text).not.toContain('sk-secret');
    expect((await api.delete(`${FAULTS}/fault_2`)).body).toEqual({ id: 'fault_2', deleted: true });
    expect((await api.delete(`${FAULTS}/fault_2`)).status).toBe(404);
    expect((await api.delete(FAULTS)).status).toBe(200);
    expect((await api.get(FAULTS)).body).toEqual({ object: 'list', data: [] });
    expect((await api.get('/v1/models')).status).toBe(200);
  });

  it('refuses wrong names with the right ones', async () => {
    const api = await startEmulator(transport);
    const refused = await api.post(FAULTS, { effect: 'error', code: 'teapot' });
    expect(expectBare(refused)).toMatch(/^Invalid request: code takes one of the codes invalid_request, /);
    expect(expectBare(await api.post(FAULTS, []))).toContain('a fault is an object with an effect');
    expect((await api.get(FAULTS)).body).toEqual({ object: 'list', data: [] });
  });
});

describe.each(TRANSPORTS)('Kimi-Emulator-Fault, %s', (transport) => {
  const fault = (value: string) => ({ 'Kimi-Emulator-Fault': value });

  it.each<[value: string, status: number | undefined]>([
    ['error; code=rpm_limit', 429],
    ['ERROR ;code=engine_overloaded', 400],
    ['error;code=engine_overloaded;', 429],
    ['reset', undefined],
    ['lose_answer', undefined],
    ['disk_full', 500],
    ['session_busy', 409],
    ['delay; ms=1', 200],
    ['window_pressure; max_new_tokens=19', 500],
    ['window_pressure; max_new_tokens=20', 200],
  ])('does the same for one request: %s', async (value, status) => {
    const session = await startFaulty(transport);
    const body = JSON.stringify(sized(20));
    const headers = { 'Content-Type': 'application/json', ...fault(value) };
    const outcome = await outcomeOf(session.api.open('POST', `${session.path}/messages`, body, { headers }));
    expect([outcome.status, outcome.failed]).toEqual([status, status === undefined ? RESET : undefined]);
    expect((await session.append(sized(20))).status).toBe(200);
    expect(session.api.emulator.faults.list()).toEqual([]);
  });

  it('cuts a stream', async () => {
    const { api } = await startFaulty(transport);
    const cut = await outcomeOf(openChat(api, { stream: true }, { headers: fault('cut_stream; after_events=2') }));
    expect(cut.text.match(/data: /g)).toHaveLength(2);
    const inside = await outcomeOf(openChat(api, { stream: true }, { headers: fault('cut_stream; inside_character') }));
    expect(inside.bytes.at(-1)).toBe(0xe4);
  });

  it.each([
    ['explode', /^Invalid request: Kimi-Emulator-Fault: unknown effect "explode"; the effects are error, delay, /],
    ['', /^Invalid request: Kimi-Emulator-Fault: unknown effect ""; the effects are /],
    ['delay', /delay takes ms$/],
    ['delay; ms=soon', /ms takes a whole number from 0 to 2147483647, not "soon"$/],
    ['reset; times=2', /unknown member "times"; those of reset are effect$/],
    ['compress_fails', /compress_fails cannot act on listModels; it acts on compressSession$/],
  ])('is refused where it is wrong: %s', async (value, message) => {
    const api = await startEmulator(transport);
    expect(expectBare(await api.get('/v1/models', { headers: fault(value) }))).toMatch(message);
  });

  it('is refused where there is nothing to fail', async () => {
    const api = await startEmulator(transport);
    expect(expectBare(await api.get('/v1/nothing', { headers: fault('reset') }))).toContain(
      'not an operation of the API',
    );
  });
});

function expectBare(reply: Parameters<typeof expectRefusal>[0] & { body: Record<string, unknown> }): string {
  const { message, type } = reply.body.error as { message: string; type: string };
  expect([reply.status, type]).toEqual([400, 'invalid_request_error']);
  return message;
}
