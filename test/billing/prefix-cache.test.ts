import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrefixCache } from '../../emulator/billing/prefix-cache.ts';
import { runs } from '../support/runs.ts';
import { message, promptOf } from './prompts.ts';

const TTL_MS = 300_000;

test('a prompt cached for an hour is kept for an hour from its last use, and a shorter wish does not shorten that', () => {
  const cache = new PrefixCache();
  const prompt = promptOf([message('ping', 5)]);
  const hour = 3_600_000;
  expect(cache.readAndStore('a', prompt, 0, hour)).toBe(0);
  expect(cache.readAndStore('a', prompt, hour - 1)).toBe(8);
  // Renewed for five minutes only, by a request that asked for no more.
  expect(cache.readAndStore('a', prompt, hour - 1 + TTL_MS - 1)).toBe(8);
  expect(cache.readAndStore('a', prompt, hour - 1 + TTL_MS - 1 + TTL_MS)).toBe(0);
  expect(cache.readAndStore('b', prompt, 0, hour)).toBe(0);
  expect(cache.readAndStore('b', prompt, 1)).toBe(8);
  expect(cache.readAndStore('b', prompt, hour - 1)).toBe(8);
});

describe('what is cached', () => {
  test('the whole blocks of the messages that an earlier prompt began with', () => {
    const cache = new PrefixCache();
    const first = [message('rules', 700), message('question', 100)];
    expect(cache.readAndStore('a', promptOf(first), 0)).toBe(0);
    // 700 + 100 = 800 tokens are shared: 3 blocks of 256 are 768, and a fourth would be 1,024.
    expect(cache.readAndStore('a', promptOf([...first, message('reply', 50), message('next', 30)]), 0)).toBe(768);
  });

  test('a message that differs ends it, and nothing behind that message counts', () => {
    const cache = new PrefixCache();
    cache.readAndStore('a', promptOf([message('rules', 600), message('one', 400), message('tail', 900)]), 0);
    // 600 tokens are shared: 2 blocks.
    expect(
      cache.readAndStore('a', promptOf([message('rules', 600), message('two', 400), message('tail', 900)]), 0),
    ).toBe(512);
    expect(
      cache.readAndStore('a', promptOf([message('other', 600), message('one', 400), message('tail', 900)]), 0),
    ).toBe(0);
  });

  test('other tools share nothing; the same tools alone are shared', () => {
    const cache = new PrefixCache();
    cache.readAndStore('a', promptOf([message('x', 600)], { name: 'read', tokens: 300 }), 0);
    expect(cache.readAndStore('a', promptOf([message('x', 600)], { name: 'write', tokens: 300 }), 0)).toBe(0);
    expect(cache.readAndStore('a', promptOf([message('y', 600)], { name: 'read', tokens: 300 }), 0)).toBe(256);
    // 300 + 600 = 900 tokens: 3 blocks.
    expect(
      cache.readAndStore('a', promptOf([message('x', 600), message('z', 9)], { name: 'read', tokens: 300 }), 0),
    ).toBe(768);
  });

  test('the very same prompt is read whole, however short', () => {
    const cache = new PrefixCache();
    const prompt = promptOf([message('ping', 5)]);
    expect(cache.readAndStore('a', prompt, 0)).toBe(0);
    expect(cache.readAndStore('a', prompt, 0)).toBe(8);
    expect(new PrefixCache({ wholePrompts: false }).readAndStore('a', prompt, 0)).toBe(0);
  });

  test('a cut start makes every retained token a miss, once', () => {
    const cache = new PrefixCache();
    const tail = [message('b', 1_000), message('c', 1_000)];
    cache.readAndStore('a', promptOf([message('a', 1_000), ...tail]), 0);
    expect(cache.readAndStore('a', promptOf(tail), 0)).toBe(0);
    // 2,000 tokens are shared with the prompt before: 7 blocks are 1,792.
    expect(cache.readAndStore('a', promptOf([...tail, message('d', 10)]), 0)).toBe(1_792);
  });

  test('an answer that is begun lacks its end, and what it does not fill is not cached', () => {
    const cache = new PrefixCache();
    const messages = [message('asked', 600), message('begun', 168)];
    // 768 tokens would be 3 blocks; without its end the prompt has 767.
    cache.readAndStore('a', promptOf([...messages, message('more', 1)]), 0);
    expect(cache.readAndStore('a', { ...promptOf(messages), tokens: 767 }, 0)).toBe(512);
  });

  test('a shorter prompt of an earlier turn is still there', () => {
    const cache = new PrefixCache();
    const start = [message('a', 1_000)];
    for (const name of ['b', 'c', 'd']) start.push(message(name, 500));
    cache.readAndStore('a', promptOf(start), 0);
    expect(cache.readAndStore('a', promptOf([...start.slice(0, 2), message('branch', 10)]), 0)).toBe(1_280);
  });
});

test('a cached prompt expires five minutes after it was last sent', () => {
  const cache = new PrefixCache();
  const send = (name: string, now: number) =>
    cache.readAndStore('a', promptOf([message('rules', 600), message(name, 10)]), now);
  send('one', 0);
  expect(send('two', TTL_MS - 1)).toBe(512);
  expect(send('three', 2 * TTL_MS - 2)).toBe(512);
  expect(send('four', 3 * TTL_MS - 2)).toBe(0);
});

test('the prefix cache is bounded, and evicts the prompts sent longest ago', () => {
  const cache = new PrefixCache({ maxEntries: 8 });
  cache.readAndStore('old', promptOf([message('o', 600)]), 0);
  cache.readAndStore('a', promptOf([message('first', 600), message('x', 600)]), 0);
  for (const name of ['p', 'q', 'r']) cache.readAndStore('a', promptOf([message(name, 600)]), 0);
  expect(cache.size).toBe(8);
  expect(cache.readAndStore('a', promptOf([message('r', 600), message('new', 5)]), 0)).toBe(512);
  expect(cache.readAndStore('old', promptOf([message('o', 600), message('new', 5)]), 0)).toBe(0);
});

interface Sent {
  account: string;
  names: string[];
  at: number;
}

const SIZES: Record<string, number> = { a: 40, b: 256, c: 300, d: 1_000, e: 5_000 };
const TOOL_SIZES: Record<string, number> = { '': 0, read: 120, write: 700 };
const arbitrarySent = fc.record({
  account: fc.constantFrom('one', 'two'),
  tools: fc.constantFrom(...Object.keys(TOOL_SIZES)),
  names: fc.array(fc.constantFrom(...Object.keys(SIZES)), { minLength: 1, maxLength: 6 }),
  wait: fc.nat(TTL_MS),
});

test('the prefix cache gives the same result as a search through all prompts sent', () => {
  fc.assert(
    fc.property(fc.array(arbitrarySent, { maxLength: 20 }), (requests) => {
      const cache = new PrefixCache();
      const sent: (Sent & { tools: string })[] = [];
      let now = 0;
      for (const { account, tools, names, wait } of requests) {
        now += wait;
        const prompt = promptOf(
          names.map((name) => message(name, SIZES[name] ?? 0)),
          { name: tools, tokens: TOOL_SIZES[tools] ?? 0 },
        );
        const live = sent.filter((one) => one.account === account && one.tools === tools && now - one.at < TTL_MS);
        const shared = live.map((one) => commonTokens(one.names, names) + (TOOL_SIZES[tools] ?? 0));
        const whole = live.some((one) => one.names.join() === names.join());
        const blocks = Math.floor(Math.max(0, ...shared) / 256) * 256;
        const cached = cache.readAndStore(account, prompt, now);
        expect(cached).toBe(whole ? prompt.tokens : blocks);
        expect(cached).toBeLessThanOrEqual(prompt.tokens);
        sent.push({ account, tools, names, at: now });
      }
    }),
    { numRuns: runs(300) },
  );
});

function commonTokens(a: readonly string[], b: readonly string[]): number {
  const differing = a.findIndex((name, place) => name !== b[place]);
  const count = differing < 0 ? Math.min(a.length, b.length) : differing;
  return a.slice(0, count).reduce((sum, name) => sum + (SIZES[name] ?? 0), 0);
}
