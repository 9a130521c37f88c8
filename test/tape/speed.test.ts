import { afterEach, expect, it, vi } from 'vitest';
import { createGateway } from '../../emulator/index.ts';
import { Api } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';
import { newTape, startReplay } from './taped.ts';

const GAPS = [300, 0, 1_500, 40];
const BODY = '{"model":"m","stream":true,"messages":[{"role":"user","content":"Count."}]}';

afterEach(() => {
  vi.useRealTimers();
});

/** A stream whose events have these pauses before them, as a recorder sees it whose time is moved by the test. */
async function recordedTape(): Promise<string> {
  vi.useFakeTimers({ toFake: ['performance'] });
  const record = newTape();
  async function* events(): AsyncGenerator<Uint8Array, void> {
    for (const [n, gap] of GAPS.entries()) {
      vi.advanceTimersByTime(gap);
      yield Buffer.from(`data: {"choices":[{"index":0,"delta":{"content":"${n}"}}]}\n\n`);
    }
    yield Buffer.from('data: [DONE]\n\n');
  }
  const headers = { 'Content-Type': 'text/event-stream' };
  const fetch = async () => new Response(ReadableStream.from(events()) as never, { headers });
  const gateway = createGateway({ tokenizer: O200K, upstream: 'http://upstream.invalid/v1', fetch, record });
  await (await new Api(gateway, 'in process').open('POST', '/v1/chat/completions', BODY)).text();
  await gateway.close();
  vi.useRealTimers();
  return record;
}

it('a stream replayed at its original speed comes in order, no part before its recorded time', async () => {
  const replay = await startReplay('in process', await recordedTape(), { speed: 'original' });
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  const start = performance.now();
  const seen: [text: string, ms: number][] = [];
  const reading = replay.open('POST', '/v1/chat/completions', BODY).then(async (response) => {
    const decoder = new TextDecoder();
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      seen.push([decoder.decode(part), performance.now() - start]);
    }
  });
  let isOver = false;
  void reading.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await vi.advanceTimersByTimeAsync(10);
    await new Promise(setImmediate);
  }
  await reading;
  const recorded = [300, 300, 1_800, 1_840, 1_840];
  expect(seen.map(([text]) => text.match(/"content":"\d"|DONE/)?.[0])).toEqual([
    ...GAPS.map((_, n) => `"content":"${n}"`),
    'DONE',
  ]);
  for (const [place, [, ms]] of seen.entries()) expect(ms).toBeGreaterThanOrEqual(recorded[place] ?? Infinity);
});

it('a stream replayed at once does not wait for its recorded times', async () => {
  const replay = await startReplay('in process', await recordedTape());
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  const response = await replay.open('POST', '/v1/chat/completions', BODY);
  expect(await response.text()).toContain('"content":"3"');
});
