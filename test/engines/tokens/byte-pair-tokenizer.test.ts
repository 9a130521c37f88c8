import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kimiOracle, type Oracle, stretches, tiktokenOracle } from './oracles.ts';
import { adversarialRuns, anyTexts, hardTexts, PARTED_TEXTS, repositoryTexts, sharedTexts } from './texts.ts';
import { tokenizerNamed, type VocabularyName } from './under-test.ts';

const oracles = new Map<VocabularyName, Oracle>();

function oracleNamed(name: VocabularyName): Oracle {
  const oracle = oracles.get(name) ?? (name === 'kimi-k2' ? kimiOracle() : tiktokenOracle());
  oracles.set(name, oracle);
  return oracle;
}

function head(text: string, bytes: number): string {
  return Buffer.from(text).subarray(0, bytes).toString();
}

describe.each([
  // Both references are quadratic at best, so the runs are short.
  { name: 'o200k_base', runBytes: 5_000, longRunBytes: 20_000 },
  { name: 'kimi-k2', runBytes: 300, longRunBytes: 1_000 },
] as const)('$name', ({ name, runBytes, longRunBytes }) => {
  test('gives the reference’s ids for texts full of hard cases', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const oracle = oracleNamed(name);
    fc.assert(
      fc.property(hardTexts(10), (text) => {
        const ids = oracle(text);
        expect(tokenizer.encode(text)).toEqual(ids);
        expect(tokenizer.count(text)).toBe(ids.length);
      }),
      { numRuns: 500 },
    );
  });

  test('gives the reference’s ids for any text at all', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const oracle = oracleNamed(name);
    fc.assert(
      fc.property(anyTexts(200), (text) => {
        expect(tokenizer.encode(text)).toEqual(oracle(text));
      }),
      { numRuns: 300 },
    );
  });

  test('gives the reference’s ids for long runs', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const oracle = oracleNamed(name);
    const runs = Object.entries(adversarialRuns(runBytes)).map(([kind, run]) => [kind, head(run, runBytes)] as const);
    for (const [kind, text] of [...runs, ['longest', 'a'.repeat(longRunBytes)] as const]) {
      expect(tokenizer.encode(text), kind).toEqual(oracle(text));
    }
  });

  test('gives the reference’s ids for real text and code', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const oracle = oracleNamed(name);
    for (const [source, text] of [...repositoryTexts(), ...sharedTexts()]) {
      expect(tokenizer.encode(text), source).toEqual(oracle(text));
    }
  });

  test('counts what it encodes, whole or in slices', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const long = Object.values(adversarialRuns(20_000));
    for (const text of ['', 'a', ...long, ...sharedTexts().map(([, shared]) => shared)]) {
      const { length } = tokenizer.encode(text);
      expect(tokenizer.count(text)).toBe(length);
      expect(await tokenizer.countSliced(text)).toBe(length);
    }
  });

  test('counts several texts at once in slices', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const texts = Object.values(adversarialRuns(30_000));
    const counts = await Promise.all(texts.map((text) => tokenizer.countSliced(text)));
    expect(counts).toEqual(texts.map((text) => tokenizer.count(text)));
  });

  test('gives way to the event loop inside one long piece', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    let turns = 0;
    let counting = true;
    const turn = () => {
      turns++;
      if (counting) setImmediate(turn);
    };
    turn();
    await tokenizer.countSliced(adversarialRuns(300_000)['random letters'] ?? '');
    counting = false;
    expect(turns).toBeGreaterThan(3);
  });

  test('takes a lone surrogate for U+FFFD', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    for (const lone of ['\ud800', 'a\udc00b', '\ud83d'.repeat(20_000)]) {
      expect(tokenizer.encode(lone)).toEqual(tokenizer.encode(lone.toWellFormed()));
      expect(await tokenizer.countSliced(lone)).toBe(tokenizer.count(lone.toWellFormed()));
    }
  });
});

// MoonshotAI/Kimi-Vendor-Verifier 3dad65a: `encode` cuts text before it splits it, and encodes the parts one by one.
test('kimi-k2 encodes long text in parts, as the official tokenizer does', async (context) => {
  const tokenizer = await tokenizerNamed('kimi-k2', context);
  for (const [kind, text] of Object.entries(PARTED_TEXTS)) {
    const parts = stretches(text);
    expect(parts.length, kind).toBeGreaterThan(1);
    const ids = parts.flatMap((part) => tokenizer.encode(part));
    expect(tokenizer.encode(text).join(), kind).toBe(ids.join());
    expect(tokenizer.count(text), kind).toBe(ids.length);
    expect(await tokenizer.countSliced(text), kind).toBe(ids.length);
  }
});
