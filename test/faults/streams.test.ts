import { describe, expect, it } from 'vitest';
import { readEvents, TRANSPORTS } from '../support/emulator.ts';
import { MovableClock } from '../support/session.ts';
import { BROKEN_OFF, openChat, outcomeOf, RESET, startFaulty } from './faulty.ts';

const TEXT = 'one two 你好';

describe.each(TRANSPORTS)('a stream, %s', (transport) => {
  const streamed = async (options: Parameters<typeof startFaulty>[1] = {}) => {
    const session = await startFaulty(transport, { text: TEXT, clock: new MovableClock(), ...options });
    const stream = (more: object = {}, headers: Record<string, string> = {}) =>
      outcomeOf(openChat(session.api, { session_id: session.id, stream: true, ...more }, { headers }));
    return { session, emulator: session.api.emulator, stream };
  };

  it.each([0, 1, 3])('is cut after %i events, before the turn is committed', async (events) => {
    const { session, emulator, stream } = await streamed();
    const before = await session.state();
    emulator.faults.add({ effect: 'cut_stream', after_events: events });
    const { status, text, failed } = await stream();
    expect([status, failed]).toEqual([200, BROKEN_OFF]);
    const { chunks, done } = readEvents(text);
    expect([chunks.length, done]).toEqual([events, false]);
    expect(await session.state()).toEqual(before);
    expect(readEvents((await stream()).text).done).toBe(true);
  });

  it('is cut behind its finish chunk: the turn is committed, and nothing but [DONE] is missing', async () => {
    const { session, emulator, stream } = await streamed();
    const whole = readEvents((await stream()).text).chunks.length;
    const messages = (await session.messages()).length;
    emulator.faults.add({ effect: 'cut_stream', after_events: whole });
    const { text, failed } = await stream();
    expect(failed).toBe(BROKEN_OFF);
    expect(readEvents(text).chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    expect(text).not.toContain('[DONE]');
    expect(await session.messages()).toHaveLength(messages + 2);
  });

  it('is cut as if it were over: no error, and no [DONE]', async () => {
    const { session, emulator, stream } = await streamed();
    const before = await session.state();
    emulator.faults.add({ effect: 'cut_stream', after_events: 2, cleanly: true });
    const { text, failed } = await stream();
    expect(failed).toBe(undefined);
    expect(readEvents(text)).toMatchObject({ chunks: [{}, {}], done: false });
    expect(await session.state()).toEqual(before);
    emulator.faults.add({ effect: 'cut_stream', after_events: 0, cleanly: true });
    expect(await stream()).toMatchObject({ status: 200, text: '', failed: undefined });
    expect(readEvents((await stream()).text).done).toBe(true);
  });

  it('that is over before is not cut, and the fault is not used up', async () => {
    const { emulator, stream } = await streamed();
    const handle = emulator.faults.add({ effect: 'cut_stream', after_events: 1_000 });
    expect(readEvents((await stream()).text).done).toBe(true);
    expect(handle.remaining).toBe(1);
    expect(emulator.faults.unused()).toEqual(['cut_stream after_events=1000: 1 of 1 left']);
  });

  it('is cut inside a character: the bytes end in the middle of it', async () => {
    const { session, emulator, stream } = await streamed();
    const before = await session.state();
    emulator.faults.add({ effect: 'cut_stream', inside_character: true });
    const { bytes, failed } = await stream();
    expect(failed).toBe(BROKEN_OFF);
    expect(bytes.at(-1)).toBe(Buffer.from('你')[0]);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow();
    expect(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, -1))).toContain('"content":"');
    expect(await session.state()).toEqual(before);
  });

  it('without such a character is not cut inside one', async () => {
    const { emulator, stream } = await streamed({ text: 'plain' });
    const handle = emulator.faults.add({ effect: 'cut_stream', inside_character: true });
    expect(readEvents((await stream()).text).done).toBe(true);
    expect(handle.remaining).toBe(1);
  });

  it('takes effect and is lost: nothing arrives, and the same key finds it', async () => {
    const { session, emulator, stream } = await streamed();
    const key = { 'Idempotency-Key': 'k' };
    emulator.faults.add({ effect: 'lose_answer' });
    expect(await stream({}, key)).toMatchObject({ status: undefined, text: '', failed: RESET });
    expect(await session.messages()).toHaveLength(3);
    const { chunks, done } = readEvents((await stream({}, key)).text);
    const said = chunks.flatMap(({ choices }) =>
      (choices as { delta: { content?: string } }[]).map((one) => one.delta),
    );
    expect([said.map(({ content = '' }) => content).join(''), done]).toEqual([TEXT, true]);
    expect(await session.messages()).toHaveLength(3);
  });

  it('is slow, and is let go where the fault is taken away', async () => {
    const { emulator, stream } = await streamed();
    const hour = 3_600_000;
    const handle = emulator.faults.add({ effect: 'slow_stream', ms: hour });
    const slow = stream();
    await expect.poll(() => handle.remaining).toBe(0);
    handle.remove();
    expect(readEvents((await slow).text).done).toBe(true);
  });

  it('is slow by so much for each event, and arrives as it would', async () => {
    const { emulator, stream } = await streamed();
    emulator.faults.add({ effect: 'slow_stream', ms: 1 });
    const { chunks, done } = readEvents((await stream()).text);
    expect([chunks.length > 4, done]).toEqual([true, true]);
  });

  it('fails at its commit where the disk is full: an error event, and the session as it was', async () => {
    const { session, emulator, stream } = await streamed();
    const before = await session.state();
    emulator.faults.add({ effect: 'disk_full' });
    const { chunks, done } = readEvents((await stream()).text);
    expect(chunks.at(-1)).toEqual({ error: { message: 'invalid state transition', type: 'unexpected_output' } });
    expect(done).toBe(false);
    expect(await session.state()).toEqual(before);
  });
});

describe.each(TRANSPORTS)('a streamed append, %s', (transport) => {
  const lines = ['a', 'b', 'c'].map((content) => JSON.stringify({ role: 'user', content })).join('\n');

  async function start() {
    const session = await startFaulty(transport);
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const send = () => outcomeOf(session.api.open('POST', `${session.path}/messages`, lines, { headers }));
    return { session, emulator: session.api.emulator, send };
  }

  it('is cut behind a line: what was acknowledged stays', async () => {
    const { session, emulator, send } = await start();
    emulator.faults.add({ effect: 'cut_stream', after_events: 2 });
    const { text, failed } = await send();
    expect(failed).toBe(BROKEN_OFF);
    expect(text.trim().split('\n')).toHaveLength(2);
    expect((await session.messages()).map(({ content }) => content).slice(1)).toEqual(['a', 'b']);
  });

  it.each([
    { effect: 'disk_full' },
    { effect: 'session_busy' },
    { effect: 'window_pressure', max_new_tokens: 1 },
  ] as const)('is refused at its first line: $effect', async (spec) => {
    const { session, emulator, send } = await start();
    const before = await session.state();
    emulator.faults.add(spec);
    const { status } = await send();
    expect(status).toBe(spec.effect === 'session_busy' ? 409 : 500);
    expect(await session.state()).toEqual(before);
  });

  it('takes effect and its acknowledgements are lost', async () => {
    const { session, emulator, send } = await start();
    emulator.faults.add({ effect: 'lose_answer' });
    expect((await send()).failed).toBe(RESET);
    expect(await session.messages()).toHaveLength(4);
  });
});
