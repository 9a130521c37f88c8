import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KEPT_BYTES } from '../../emulator/journal/exchange.ts';
import { Journal } from '../../emulator/journal/journal.ts';
import { startEmulator } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';

const ASKED = { method: 'POST', path: '/v1/sessions', query: '', idempotencyKey: undefined };
const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', minLength: 2_000, maxLength: 12_000 }));

it('the journal stays within its bounds, and keeps the newest', () => {
  const step = fc.record({ request: text, answer: text, clear: fc.constantFrom(false, false, false, false, true) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (steps, most) => {
      const journal = new Journal({ entries: most, bytes: 40_000 });
      for (const { request, answer, clear } of steps) {
        const exchange = journal.open(ASKED, 0);
        if (!exchange) throw new Error('no journal is kept');
        if (clear) journal.clear();
        const { bytes } = exchange;
        exchange.keepRequest(Buffer.from(request));
        exchange.keepAnswer(answer);
        journal.grown(exchange, bytes);
        const kept = journal.exchanges();
        expect(kept.length).toBeLessThanOrEqual(most);
        expect(kept.at(-1)).toBe(clear ? undefined : exchange);
        expect(journal.bytes).toBe(kept.reduce((sum, each) => sum + each.bytes, 0));
        expect(journal.bytes <= 40_000 || kept.length === 1).toBe(true);
      }
    }),
    { numRuns: runs(60) },
  );
});

it('a request answered after it was dropped from the journal does not count', () => {
  const journal = new Journal({ entries: 1 });
  const first = journal.open(ASKED, 0);
  journal.open(ASKED, 0);
  const before = journal.bytes;
  first?.keepAnswer('x');
  if (first) journal.grown(first, 0);
  expect(journal.bytes).toBe(before);
  expect(journal.dropped).toBe(1);
});

it('the journal keeps both ends of long texts', async () => {
  const api = await startEmulator('in process');
  const title = `head ${'漢'.repeat(20_000)} tail`;
  const { text: answer } = await api.post('/v1/sessions', { title });
  const [entry] = api.emulator.journal.entries();
  expect(entry?.request).toMatch(/^\{"title":"head 漢+ \[\d+ bytes left out\] 漢+ tail"\}$/);
  expect(Buffer.byteLength(entry?.request ?? '')).toBeLessThan(KEPT_BYTES + 64);
  expect(entry?.request_bytes).toBe(Buffer.byteLength(JSON.stringify({ title })));
  expect(Number(/\[(\d+) bytes/.exec(entry?.request ?? '')?.[1])).toBe(Number(entry?.request_bytes) - KEPT_BYTES);
  expect(answer.length).toBeLessThan(KEPT_BYTES);
});
