import { describe, expect, it } from 'vitest';
import { type Fact, type SimulateOptions, simulate } from '../../emulator/simulate/index.ts';
import { story } from './story.ts';
import { sized, throughServer } from './through-server.ts';

const PLAIN = { plant: 0, natural: 0, tokenizer: 'o200k_base' } satisfies SimulateOptions;

/** Counted another way than the simulator does: every pair of places of the two words in a message of the window. */
function countStanding(window: string, facts: readonly Fact[]): number {
  const messages = window.split('\n').map((message) => message.toLowerCase());
  return facts.filter(({ words: [one = '', other = ''] }) =>
    messages.some((message) => {
      const places = (word: string) =>
        [...message.matchAll(new RegExp(word.toLowerCase(), 'g'))].map(({ index }) => index);
      return places(one).some((a) =>
        places(other).some((b) => Math.max(a + one.length, b + other.length) - Math.min(a, b) <= 300),
      );
    }),
  ).length;
}

describe('recall after each round', () => {
  const transcript = story(48);
  const settings = { model: 'kimi-k3', date: '2026-10-24', maxKeep: 20_000, preserveLen: 4_096 };
  const swept = {
    ...PLAIN,
    transcripts: [transcript],
    maxKeep: [settings.maxKeep],
    preserveLen: [settings.preserveLen],
    models: [settings.model],
    dates: [settings.date],
  };

  it.each(['compress', 'truncate'] as const)(
    'under %s is what an independent count finds in the windows of the server',
    async (policy) => {
      const { texts, windows } = await throughServer(transcript, { ...settings, policy });
      const { runs } = await simulate({ ...swept, policies: [policy] });
      const run = runs.find(({ setting }) => setting.policy === policy);
      const counted = texts.map((text, round) =>
        countStanding(text, transcript.facts.slice(0, Math.floor(round / 2) + 1)),
      );
      expect(run?.series.window).toEqual(windows);
      expect(run?.series.known.natural).toEqual(counted);
      expect(run?.series.said.natural).toEqual(texts.map((_, round) => Math.floor(round / 2) + 1));
      expect(run?.recall.natural.end).toBeCloseTo((counted.at(-1) ?? 0) / 24, 10);
    },
  );

  it('falls with each of three compactions in a row, and a summary keeps more than a cut does', async () => {
    const { runs } = await simulate({ ...swept, policies: ['compress', 'truncate'] });
    const [compress, truncate] = ['compress', 'truncate'].map((policy) =>
      runs.find(({ setting }) => setting.policy === policy),
    );
    expect(compress?.shrinks.length).toBeGreaterThanOrEqual(3);
    const left = compress?.shrinks.map(
      ({ round }) => (compress.series.known.natural[round - 1] ?? 0) / (compress.series.said.natural[round - 1] ?? 1),
    );
    expect(left?.slice(0, 3)).toEqual(left?.slice(0, 3).toSorted((a, b) => b - a));
    expect(compress?.recall.natural.mean).toBeGreaterThan(truncate?.recall.natural.mean ?? 1);
  });

  it('of planted facts is told apart from that of the transcript’s own', async () => {
    const { runs, transcripts } = await simulate({ ...swept, plant: 10, policies: ['truncate'] });
    expect(transcripts[0]).toMatchObject({ planted: 10, natural: 24 });
    const [uncut, truncate] = ['stateless+cache', 'truncate'].map((policy) =>
      runs.find(({ setting }) => setting.policy === policy),
    );
    expect(uncut?.recall).toMatchObject({
      planted: { facts: 10, mean: 1, end: 1 },
      natural: { facts: 24, mean: 1, end: 1 },
    });
    expect(truncate?.recall.planted.end).toBeLessThan(1);
    expect(truncate?.series.said.planted.at(-1)).toBe(10);
  });
});

it('facts that are planted are not found again as the transcript’s own, and a short one gets few', async () => {
  const long = sized([
    [0, 6_000, 100],
    [20, 6_000, 100],
  ]);
  const short = { ...sized([[0, 100, 100]]), name: 'short' };
  const { transcripts } = await simulate({ transcripts: [long, short], policies: ['none'], tokenizer: 'o200k_base' });
  expect(transcripts.map(({ planted, natural }) => [planted, natural])).toEqual([
    [11, 0],
    [0, 0],
  ]);
});
