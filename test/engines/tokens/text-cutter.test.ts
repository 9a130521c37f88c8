import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tokenizer } from '../../../emulator/engines/tokens/tokenizer.ts';
import { adversarialRuns, hardTexts, longTexts, PARTED_TEXTS, sharedTexts } from './texts.ts';
import { tokenizerNamed, VOCABULARIES } from './under-test.ts';

/** By trying every cut. */
function longestHead(tokenizer: Tokenizer, text: string, maxTokens: number): string {
  const characters = Array.from(text);
  for (let length = characters.length; length > 0; length--) {
    const prefix = characters.slice(0, length).join('');
    if (tokenizer.count(prefix) <= maxTokens) return prefix;
  }
  return '';
}

function longestTail(tokenizer: Tokenizer, text: string, maxTokens: number): string {
  const characters = Array.from(text);
  for (let start = 0; start < characters.length; start++) {
    const suffix = characters.slice(start).join('');
    if (tokenizer.count(suffix) <= maxTokens) return suffix;
  }
  return '';
}

describe.each(VOCABULARIES)('cuts with $name', ({ name }) => {
  test('are the longest there are, in texts full of hard cases', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    await fc.assert(
      fc.asyncProperty(hardTexts(8), fc.integer({ min: -1, max: 30 }), async (text, maxTokens) => {
        expect(await tokenizer.prefixWithin(text, maxTokens)).toBe(longestHead(tokenizer, text, maxTokens));
        expect(await tokenizer.suffixWithin(text, maxTokens)).toBe(longestTail(tokenizer, text, maxTokens));
      }),
      { numRuns: 600 },
    );
  });

  test('are the longest there are, in runs of one kind', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    for (const [kind, text] of Object.entries(adversarialRuns(150))) {
      for (const maxTokens of [1, 2, 7, 40, 119]) {
        expect(await tokenizer.prefixWithin(text, maxTokens), kind).toBe(longestHead(tokenizer, text, maxTokens));
        expect(await tokenizer.suffixWithin(text, maxTokens), kind).toBe(longestTail(tokenizer, text, maxTokens));
      }
    }
  });

  test('are the longest there are, around and in long pieces', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    await fc.assert(
      fc.asyncProperty(longTexts(), fc.double({ min: 0, max: 1, noNaN: true }), async (text, share) => {
        const maxTokens = Math.floor(tokenizer.count(text) * share);
        expect(await tokenizer.prefixWithin(text, maxTokens)).toBe(longestHead(tokenizer, text, maxTokens));
        expect(await tokenizer.suffixWithin(text, maxTokens)).toBe(longestTail(tokenizer, text, maxTokens));
      }),
      { numRuns: 60 },
    );
  });

  test('of runs as long as can be stored take one look, not one at every character', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    for (const sign of ['-', '=', ' ', '_', 'a', '中']) {
      const run = sign.repeat(100_000);
      const suffix = await tokenizer.suffixWithin(run, 300);
      // Spaces of the Kimi vocabulary come to two parts, and where a suffix is parted moves with its start.
      const more = suffix.length > 25_000 && name === 'kimi-k2' ? 256 : 1;
      expect(tokenizer.count(suffix)).toBeLessThanOrEqual(300);
      expect(tokenizer.count(suffix + sign.repeat(more))).toBeGreaterThan(300);
      const prefix = await tokenizer.prefixWithin(run, 300);
      expect(tokenizer.count(prefix)).toBeLessThanOrEqual(300);
      expect(tokenizer.count(prefix + sign)).toBeGreaterThan(300);
    }
  });

  test('of a suffix are a superset for a larger budget, and cutting again changes nothing', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const texts = [...Object.values(adversarialRuns(3_000)), ...sharedTexts().map(([, text]) => text.slice(-20_000))];
    for (const text of texts) {
      let shorter = '';
      for (const maxTokens of [0, 1, 10, 100, 101, 1_000]) {
        const suffix = await tokenizer.suffixWithin(text, maxTokens);
        expect(suffix.endsWith(shorter)).toBe(true);
        expect(tokenizer.count(suffix)).toBeLessThanOrEqual(maxTokens);
        expect(await tokenizer.suffixWithin(suffix, maxTokens)).toBe(suffix);
        shorter = suffix;
      }
      expect(await tokenizer.suffixWithin(text, tokenizer.count(text))).toBe(text);
      expect(await tokenizer.prefixWithin(text, tokenizer.count(text))).toBe(text);
    }
  });

  test('are made in slices: the event loop has its turns in between', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    for (const text of [' ', 'aB', 'Aあ', '\n  '].map((fragment) => fragment.repeat(100_000))) {
      let turns = 0;
      let cutting = true;
      const turn = () => {
        turns++;
        if (cutting) setImmediate(turn);
      };
      setImmediate(turn);
      await tokenizer.suffixWithin(text, 50_000);
      cutting = false;
      expect(turns, text.slice(0, 3)).toBeGreaterThan(2);
    }
  });
});

test('cuts of text that kimi-k2 encodes in parts are within the budget, and longer for a larger one', async (context) => {
  const tokenizer = await tokenizerNamed('kimi-k2', context);
  const { 'two runs': runs, 'a run that begins with the text': spaces } = PARTED_TEXTS;
  for (const text of [runs, spaces]) {
    const whole = tokenizer.count(text);
    let last = '';
    for (const maxTokens of [whole - 2, whole - 1, whole]) {
      const prefix = await tokenizer.prefixWithin(text, maxTokens);
      const suffix = await tokenizer.suffixWithin(text, maxTokens);
      expect(tokenizer.count(prefix)).toBeLessThanOrEqual(maxTokens);
      expect(maxTokens === whole || tokenizer.count(text.slice(0, prefix.length + 1)) > maxTokens).toBe(true);
      expect(tokenizer.count(suffix)).toBeLessThanOrEqual(maxTokens);
      expect(tokenizer.count(suffix)).toBeGreaterThan(maxTokens - 4);
      expect(suffix.endsWith(last)).toBe(true);
      last = suffix;
    }
    expect(last).toBe(text);
  }
});
