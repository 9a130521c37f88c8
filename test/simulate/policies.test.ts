import { describe, expect, it } from 'vitest';
import type { Policy } from '../../client/rolling/decide-shrink.ts';
import {
  type RecordedMessage,
  type SimulateOptions,
  simulate,
  type Transcript,
} from '../../emulator/simulate/index.ts';
import { story } from './story.ts';
import { sized, throughServer, words } from './through-server.ts';

const PLAIN = { plant: 0, natural: 0, tokenizer: 'o200k_base' } satisfies SimulateOptions;
/** An agent that thinks, calls two tools at once, and is answered at length. */
function agent(rounds: number): Transcript {
  const messages = Array.from({ length: rounds }, (_, round): RecordedMessage[] => {
    const at = round * 30_000;
    const call = (place: number) => ({
      id: `toolu_${round}_${place}`,
      type: 'function' as const,
      function: { name: 'read_file', arguments: `{"path":"src/${round}.ts","part":${place}}` },
    });
    return [
      { role: 'user', content: `What does part ${round} do?`, at },
      {
        role: 'assistant',
        content: '',
        reasoning_content: `I read file ${round}.`,
        tool_calls: [call(0), call(1)],
        at,
      },
      { role: 'tool', tool_call_id: `toolu_${round}_1`, content: words(600, round), at: at + 2_000 },
      { role: 'tool', tool_call_id: `toolu_${round}_0`, content: words(300, round), at: at + 2_000 },
      { role: 'assistant', content: `It adds ${round} numbers.`, reasoning_content: 'That was easy.', at: at + 2_000 },
    ];
  });
  const parameters = { type: 'object', properties: { path: { type: 'string' }, part: { type: 'integer' } } };
  const tools = [
    { type: 'function' as const, function: { name: 'read_file', description: 'Reads a part of a file.', parameters } },
  ];
  return { name: 'agent', messages: [{ role: 'system', content: 'You are an agent.' }, ...messages.flat()], tools };
}

describe.each(['kimi-k2-0905-preview', 'kimi-k2.5', 'kimi-k2.6', 'kimi-k3'])('an agent on %s', (model) => {
  it.each<[string, Policy]>([
    ['truncate', 'truncate'],
    ['compress', 'compress'],
    ['compress-then-truncate', 'compress-then-truncate'],
  ])(
    'has under %s the windows, the spend and the cached tokens that the client gets of the server',
    async (name, policy) => {
      const transcript = agent(14);
      const [date, maxKeep, preserveLen] = ['2026-10-24', 6_000, 4_096];
      const server = await throughServer(transcript, { model, date, policy, maxKeep, preserveLen });
      const { runs } = await simulate({
        ...PLAIN,
        transcripts: [transcript],
        policies: [name as 'truncate'],
        models: [model],
        dates: [date],
        maxKeep: [maxKeep],
        preserveLen: [preserveLen],
      });
      const run = runs.find(({ setting }) => setting.policy === name);
      expect(run?.series.window).toEqual(server.windows);
      expect(run?.shrinks.length).toBeGreaterThan(1);
      expect(Number(run?.cost) / 1e12).toBe(server.spend.cost);
      expect(run?.tokens.cached).toBe(server.spend.cached_tokens);
      expect(run?.tokens.output).toBe(server.spend.output_tokens);
    },
  );
});

it('a policy of one’s own is the client’s function, and is called with what the client knows', async () => {
  const transcript = sized(Array.from({ length: 12 }, (_, round) => [round * 20, 900, 100] as const));
  const asked: number[] = [];
  const { rows, runs } = await simulate({
    ...PLAIN,
    transcripts: [transcript],
    models: ['kimi-k2-0905-preview'],
    maxKeep: [6_000],
    policies: [
      {
        name: 'half',
        policy: ({ tokens, maxKeep }) => {
          asked.push(tokens);
          return [{ kind: 'truncate', preserve_len: Math.max(4_096, maxKeep / 2) }];
        },
      },
    ],
    preserveLen: [5_000],
  });
  expect(rows.map(({ setting }) => setting.policy)).toEqual(['stateless', 'stateless+cache', 'half']);
  const half = runs.find(({ setting }) => setting.policy === 'half');
  expect(half?.shrinks[0]).toEqual({ round: 6, action: 'truncate', before: 6_048, after: 4_032 });
  expect(asked[0]).toBe(6_048);
});

it('a policy that gains next to nothing ends the run where the client gives it up', async () => {
  const transcript = sized(Array.from({ length: 12 }, (_, round) => [round * 20, 900, 100] as const));
  const policy: Policy = () => [{ kind: 'compress', ratio: 1.02, preserve_len: 5_000 }];
  const settings = { model: 'kimi-k2-0905-preview', date: '2026-10-24', maxKeep: 6_000, preserveLen: 5_000 };
  const { runs } = await simulate({
    ...PLAIN,
    transcripts: [transcript],
    policies: [{ name: 'stingy', policy }],
    models: [settings.model],
    maxKeep: [settings.maxKeep],
    preserveLen: [settings.preserveLen],
  });
  const run = runs.find(({ setting }) => setting.policy === 'stingy');
  const rounds = run?.rounds ?? 0;
  expect(run?.ended).toBe(`shrinking no longer gains anything after round ${rounds}`);
  const upTo = (count: number) => ({ ...transcript, messages: transcript.messages.slice(0, 2 * count) });
  expect((await throughServer(upTo(rounds), { ...settings, policy })).windows).toEqual(run?.series.window);
  await expect(throughServer(upTo(rounds + 1), { ...settings, policy })).rejects.toMatchObject({
    code: 'not_shrinking',
  });
});

it('a policy that answers nonsense, or throws, is one line that says what', async () => {
  const broken = { name: 'broken', policy: (() => [{ kind: 'forget' }]) as unknown as Policy };
  const run = simulate({ ...PLAIN, transcripts: [story(20)], policies: [broken], maxKeep: [9_000] });
  await expect(run).rejects.toThrow(
    'option policies: broken answers [{"kind":"forget"}], not a list of truncate and compress',
  );
  const policy: Policy = () => {
    throw new Error('out of ideas\nat all');
  };
  const thrown = simulate({
    ...PLAIN,
    transcripts: [story(20)],
    policies: [{ name: 'lost', policy }],
    maxKeep: [9_000],
  });
  await expect(thrown).rejects.toThrow(/^option policies: lost throws: out of ideas$/);
});

it('a session that is never shrunk ends where its window is full, and says after which round', async () => {
  const rounds = Array.from({ length: 18 }, (_, round) => [round * 20, 2_000, 100] as const);
  const options = { ...PLAIN, transcripts: [sized(rounds)], models: ['kimi-k2-0905-preview'], windowTokens: 32_768 };
  const { rows, recommendation } = await simulate({ ...options, policies: ['none', 'truncate'], maxKeep: [9_000] });
  const [stateless, cached, none, truncate] = rows;
  expect(none).toMatchObject({ rounds: 15, ended: ['sized: the window is full after round 15'], onFront: false });
  expect([stateless?.rounds, cached?.rounds, truncate?.rounds]).toEqual([15, 15, 18]);
  // A saving is over the rounds that the baseline could make too.
  expect(truncate?.savings.map(({ baseline, rounds: both }) => [baseline, both])).toEqual([
    ['stateless', 15],
    ['stateless+cache', 15],
  ]);
  // Nothing can be asked for, so nothing is recommended.
  expect(recommendation).toBeNull();
});

it('a setting that the client would not open a session with is told, with its reason', async () => {
  const options = {
    ...PLAIN,
    transcripts: [sized([[0, 100, 100]])],
    models: ['kimi-k2-0905-preview'],
    windowTokens: 16_384,
  };
  const { rows } = await simulate({ ...options, policies: ['truncate'], maxKeep: [9_000] });
  expect(rows.at(-1)?.ended).toEqual([
    'sized: the client refuses it: an answer (4000) and a write (8192) leave 4064 tokens of the window (16384), no more than is kept',
  ]);
});

it('a text that is too large for one write is written in several, and a tool’s result is cut in its middle', async () => {
  const call = { id: 'c', type: 'function' as const, function: { name: 'read', arguments: '{}' } };
  const messages: RecordedMessage[] = [
    { role: 'user', content: words(20_000, 1) },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c', content: words(30_000, 2) },
    { role: 'assistant', content: 'Read.' },
  ];
  const { runs, transcripts } = await simulate({
    ...PLAIN,
    transcripts: [{ name: 'large', messages }],
    policies: ['none'],
  });
  const [first = 0, second = 0] = runs[0]?.series.prompt ?? [];
  expect(first).toBeGreaterThan(20_000);
  expect(second - first).toBeGreaterThan(6_000);
  expect(second - first).toBeLessThan(8_400);
  expect(transcripts[0]?.notes).toEqual([
    'texts over 8,192 tokens are written in several messages: 1',
    'results of tools over 8,192 tokens are cut in their middle: 1',
  ]);
});

it('instructions of more than one write are pinned in several messages; a window that does not hold them is told of', async () => {
  const [first, ...rest] = story(2).messages;
  if (!first) throw new Error('an empty story');
  const transcript = {
    name: 'long',
    messages: [{ role: 'system' as const, content: 'x '.repeat(20_000) }, first, ...rest],
  };
  const options = {
    transcripts: [transcript],
    tokenizer: 'o200k_base',
    maxKeep: [60_000],
    policies: ['truncate' as const],
  };
  const { runs, rows, transcripts } = await simulate(options);
  expect(transcripts[0]?.notes).toContain('texts over 8,192 tokens are written in several messages: 1');
  const run = runs.find(({ setting }) => setting.policy === 'truncate');
  expect({ ended: run?.ended, windows: run?.series.window.every((tokens) => tokens > 20_000) }).toEqual({
    ended: null,
    windows: true,
  });
  expect(rows.every(({ ended }) => ended.length === 0)).toBe(true);
  const small = await simulate({ ...options, windowTokens: 16_384, maxKeep: [12_000] });
  expect(small.rows.map(({ ended }) => ended)).toEqual(
    small.rows.map(() => ['long: tools and instructions are larger than the window']),
  );
});

it('an interrupted sweep of several transcripts has settings that are whole', async () => {
  const ending = new AbortController();
  const { rows, complete } = await simulate({
    transcripts: ['one', 'two', 'three'].map((name) => ({ ...story(4), name })),
    tokenizer: 'o200k_base',
    policies: ['none', 'truncate'],
    maxKeep: [20_000, 40_000, 60_000, 80_000],
    plant: 0,
    natural: 0,
    signal: ending.signal,
    onProgress: (done, total) => {
      if (done * 2 >= total) ending.abort();
    },
  });
  expect(complete).toBe(false);
  expect(rows.length).toBeGreaterThan(0);
});

it('what is not an object of options is refused', async () => {
  await expect(simulate(null as never)).rejects.toThrow(/^simulate takes an object of options$/);
});

it('the same options give the same bytes', async () => {
  const options = { transcripts: [story(10)], tokenizer: 'o200k_base', maxKeep: [9_000], seed: 3 };
  const [one, other] = [await simulate(options), await simulate(options)];
  expect(JSON.stringify(one)).toBe(JSON.stringify(other));
});

it.each([
  [{ maxKeep: [0] }, 'option maxKeep[0] must be a whole number of tokens from 1, not 0'],
  [{ preserveLen: [100] }, 'option preserveLen[0] must be a whole number of tokens from 4096, not 100'],
  [
    { maxKeep: [5_000], preserveLen: [9_000], policies: ['truncate'] },
    'option maxKeep[0] must be more than 9000, the least that a cut leaves (preserveLen), not 5000',
  ],
  [{ models: 'kimi-k3' }, 'option models must be a list of names of models, not "kimi-k3"'],
  [{ models: [3] }, 'option models[0] must be names of models, not 3'],
  [{ policies: [null] }, 'option policies[0] must be of none, stateless, '],
  [{ policies: [{ name: 'mine' }] }, 'option policies[0].policy must be a function, or one of truncate, compress, '],
  [{ policies: [{ name: 'mine', policy: 'forget' }] }, 'compress-then-truncate, not "forget"'],
  [{ policies: [{ name: 'mine', module: 5 }] }, 'option policies[0].module must be the path of a module, not 5'],
  [
    { policies: ['none', { name: 'stateless', policy: 'truncate' }] },
    'option policies[1].name must be a name of its own, not "stateless"',
  ],
  [{ policies: [0, 1].map(() => ({ name: 'mine', policy: 'truncate' })) }, 'option policies: two are called mine'],
  [{ tokenizer: 5 }, 'option tokenizer must be the path of a file, not 5'],
  [{ signal: {} }, 'option signal must be an AbortSignal, not {}'],
  [{ onProgress: 'print' }, 'option onProgress must be a function, not "print"'],
  [{ transcripts: [] }, 'option transcripts must be a list of one transcript at least, not []'],
  [{ transcripts: [null] }, 'option transcripts[0] must be a transcript, not null'],
  [{ transcripts: [{ messages: [] }] }, 'option transcripts[0].name must be a text, not undefined'],
  [
    { transcripts: [{ name: 'a', messages: [] }] },
    'option transcripts[0].messages must be a list of one message at least, not []',
  ],
  [
    { transcripts: [{ name: 'a', messages: [{ role: 'robot', content: 'Hi' }] }] },
    'option transcripts[0].messages[0].role must be one of system, user, assistant, tool, not "robot"',
  ],
  [
    { transcripts: [{ name: 'a', messages: [{ role: 'user', content: 5 }] }] },
    'option transcripts[0].messages[0].content must be a text or a list of parts, not 5',
  ],
  [
    { transcripts: [{ name: 'a', messages: [{ role: 'assistant', content: '', tool_calls: [{ id: 'c' }] }] }] },
    'option transcripts[0].messages[0].tool_calls[0].function must be a name with arguments, not undefined',
  ],
  [
    { transcripts: [{ name: 'a', messages: [{ role: 'user', content: 'Hi', at: 'noon' }] }] },
    'option transcripts[0].messages[0].at must be milliseconds since 1970, not "noon"',
  ],
  [
    { transcripts: [{ name: 'a', messages: [{ role: 'user', content: 'Hi' }], tools: [{ name: 'read' }] }] },
    'option transcripts[0].tools[0] must be a function with a name, not {"name":"read"}',
  ],
  [
    {
      transcripts: [
        { name: 'a', messages: [{ role: 'user', content: 'Hi' }], facts: [{ question: 'Who?', words: [''] }] },
      ],
    },
    'option transcripts[0].facts[0].words[0] must be a word, not ""',
  ],
  [{ models: ['kimi-k4'] }, 'kimi-k4 is not a known model; did you mean kimi-k3?'],
  [{ dates: ['tomorrow'] }, 'option dates[0] must be a day such as 2026-10-24, not "tomorrow"'],
  [{ ttl: ['2h'] }, 'option ttl[0] must be 5m or 1h, not "2h"'],
  [{ workers: -1 }, 'option workers must be a whole number from 0 to 64, not -1'],
  [{ policys: ['none'] }, 'unknown option policys; did you mean policies?'],
  [
    { policies: ['forget'] },
    'option policies[0] must be of none, stateless, stateless+cache, truncate, compress, compress-then-truncate, or a policy of your own, not "forget"',
  ],
])('refuses %j in one line', async (options, message) => {
  await expect(simulate({ transcripts: [story(2)], ...(options as object) })).rejects.toThrow(message);
});
