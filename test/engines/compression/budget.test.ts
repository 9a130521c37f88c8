import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../../contract/messages.ts';
import { compress } from '../../../emulator/engines/compression/compress.ts';
import { FORMATS } from '../../../emulator/engines/compression/summary-format.ts';
import { messageTokens } from '../../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../../emulator/engines/tokens/tokenizer.ts';
import { assistant, call, sources, summarise, tokenizer, user, windows } from './windows.ts';

const format = fc.constantFrom(...FORMATS);

describe('the budget', () => {
  it('is never exceeded, whatever the window, the format and the ratio', async () => {
    const ratio = fc.double({ min: 1.01, max: 64, noNaN: true });
    await fc.assert(
      fc.asyncProperty(windows, format, ratio, async (messages, format, ratio) => {
        const before = messages.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0);
        const maxTokens = Math.floor(before / ratio);
        const result = await compress(
          { messages: sources(messages), format, snapshotId: 'snap_1', maxTokens },
          tokenizer,
        );
        if ('infeasible' in result) {
          expect(result.smallestTokens).toBeGreaterThan(maxTokens);
          return;
        }
        expect(result.tokens).toBeLessThanOrEqual(maxTokens);
        expect(tokenizer.count(result.content)).toBe(result.tokens);
      }),
      { numRuns: 100 },
    );
  });

  it('is never exceeded under a vocabulary where the whole takes more tokens than its parts', async () => {
    const count = (text: string) => Math.ceil(text.length / 3 + text.length ** 2 / 40_000);
    const growing: Tokenizer = {
      ...tokenizer,
      count,
      countSliced: async (text) => count(text),
      prefixWithin: (text, maxTokens) => Promise.resolve(text.slice(0, maxTokens * 2)),
    };
    for (const maxTokens of [60, 200, 800]) {
      const request = { messages: sources(muchToSay(1)), format: 'outline' as const, snapshotId: 'snap_1', maxTokens };
      const result = await compress(request, growing);
      if ('infeasible' in result) throw new Error('a head takes less');
      expect(result.tokens).toBe(count(result.content));
      expect(result.tokens).toBeLessThanOrEqual(maxTokens);
      expect(result.tokens).toBeGreaterThan(0.6 * maxTokens);
    }
  });

  it('is used to at least 97 % where there is more to say', async () => {
    const cases = fc.record({ seed: fc.nat(), format, maxTokens: fc.integer({ min: 256, max: 4_000 }) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, format, maxTokens }) => {
        const { tokens } = await summarise(sources(muchToSay(seed)), { format, maxTokens });
        expect(tokens).toBeGreaterThanOrEqual(0.97 * maxTokens);
      }),
      { numRuns: 15 },
    );
  });

  it('holds and is used on real dialogues of an agent with tools', async (context) => {
    const file = new URL('../../../../shared/data/tau-airline.jsonl', import.meta.url);
    if (!existsSync(file)) {
      console.warn(`SKIPPED: no dialogues at ${file.pathname}`);
      context.skip('the shared dialogues are absent');
    }
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(0, 6);
    for (const [at, line] of lines.entries()) {
      const messages = (JSON.parse(line) as { messages: ChatMessage[] }).messages.slice(1);
      const before = messages.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0);
      const maxTokens = Math.floor(before / 4);
      const { tokens } = await summarise(sources(messages), { format: FORMATS[at % 3] ?? 'json', maxTokens });
      expect(tokens).toBeLessThanOrEqual(maxTokens);
      expect(tokens).toBeGreaterThanOrEqual(0.97 * maxTokens);
    }
  });

  it('names the smallest summary where none fits, and that one fits exactly', async () => {
    for (const format of FORMATS) {
      const request = { messages: sources([user('Hello there')]), format, snapshotId: 'snap_1' };
      const refused = await compress({ ...request, maxTokens: 3 }, tokenizer);
      if (!('infeasible' in refused)) throw new Error('three tokens hold no summary');
      const smallest = await compress({ ...request, maxTokens: refused.smallestTokens }, tokenizer);
      expect(smallest).toMatchObject({ tokens: refused.smallestTokens });
      expect(await compress({ ...request, maxTokens: refused.smallestTokens - 1 }, tokenizer)).toEqual(refused);
    }
  });
});

describe('the engine', () => {
  it('gives the same bytes for the same window', async () => {
    await fc.assert(
      fc.asyncProperty(windows, format, async (messages, format) => {
        const [one, other] = await Promise.all(
          [1, 2].map(() => summarise(sources(messages), { format, maxTokens: 300 })),
        );
        expect(one).toEqual(other);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the messages as they were', async () => {
    const messages = sources(muchToSay(3));
    const before = structuredClone(messages);
    await summarise(messages);
    expect(messages).toEqual(before);
  });

  it('lets other work go on while it reads a long text', async () => {
    const long = ['\n'.repeat(400_000), '['.repeat(400_000), '"a,'.repeat(100_000), 'word '.repeat(80_000)];
    for (const text of long) {
      let turns = 0;
      let running = true;
      const count = () => {
        turns++;
        if (running) setImmediate(count);
      };
      setImmediate(count);
      await summarise(sources([user('Read this'), ...call('c', 'read_file', {}, text)]));
      running = false;
      expect(turns).toBeGreaterThan(2);
    }
  });
});

/** More than 12,000 tokens of sentences, members, code and log lines, none of them twice. */
function muchToSay(seed: number) {
  return Array.from({ length: 60 }, (_, at) => {
    const n = (seed % 1_000) + at * 7_919;
    const prose = Array.from({ length: 6 }, (_, k) => `Crate ${n + k} left harbour ${at} with ${n * (k + 2)} parcels.`);
    const members = Object.fromEntries(prose.map((_, k) => [`field_${n}_${k}`, `value ${n * k}`]));
    const han = `第${n}号仓库今天收到${at + 3}箱货物，编号${n}。`;
    return [
      user(prose.join(' ')),
      assistant(`${han}\n\`\`\`\nconst crate${n} = ${at};\n\`\`\``),
      ...call(`c${at}`, 'look', { n }, JSON.stringify(members)),
    ];
  }).flat();
}
