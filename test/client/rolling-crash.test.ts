import { describe, expect, it } from 'vitest';
import type { RollingState } from '../../client/checkpoint.ts';
import { type Policy, RollingSession } from '../../client/index.ts';
import type { ScriptRule } from '../../emulator/index.ts';
import { strideOf } from '../support/slice.ts';
import { type Bench, clientOf, collect, MemoryCheckpoint, noSleep, SMALL, startBench, transcript } from './support.ts';
import { through } from './support-faults.ts';

const QUESTIONS = Array.from({ length: 3 }, (_, index) => `Question ${index}: ${'and so on, '.repeat(40)}`);
const LONG = Array.from({ length: 2 }, (_, index) => `Part ${index}. ${'something else, '.repeat(40)}`).join('\n\n');

/** Ends a run, as a kill would: whatever follows in it has no effect any more. */
class Killed extends Error {}

/** Counts the places where a process can be killed, and kills it at one of them. */
class Killer {
  readonly #at: number;
  #place = 0;

  constructor(at: number) {
    this.#at = at;
  }

  get alive(): boolean {
    return this.#place <= this.#at;
  }

  pass(): void {
    this.#place += 1;
    if (!this.alive) throw new Killed();
  }
}

class MortalCheckpoint extends MemoryCheckpoint {
  killer = new Killer(Number.POSITIVE_INFINITY);

  override save(state: RollingState): void {
    this.killer.pass();
    super.save(state);
    this.killer.pass();
  }
}

type Work = (agent: RollingSession, killer: Killer) => Promise<void>;

const readAndAsk: Work = async (agent, killer) => {
  await agent.append(LONG, { id: 'long' });
  for (const question of QUESTIONS.slice(agent.turns)) {
    for await (const _ of agent.chat(question)) killer.pass();
  }
};

const useTools: Work = async (agent, killer) => {
  if (agent.turns === 0) await agent.complete('find a and b');
  while (agent.openCalls.length > 0) {
    killer.pass();
    const results = agent.openCalls.map(({ id, function: { arguments: asked } }) => ({
      tool_call_id: id,
      content: `${asked} is here`,
    }));
    await agent.answer(results);
  }
};

const find = (id: string) => ({ name: 'find', arguments: { id } });
/** Two rounds of tools, the first of two calls, and an answer. */
const TOOL_RULES: ScriptRule[] = [
  { when: { tool: { content: '"c"' } }, reply: 'All are here.' },
  { when: { tool: {} }, reply: { tool_calls: [find('c')] } },
  { reply: { tool_calls: [find('a'), find('b')] } },
];

/** A program that begins where its checkpoint says, until it is killed. */
async function program({ api }: Bench, checkpoint: MortalCheckpoint, policy: Policy, work: Work = readAndAsk) {
  const { killer } = checkpoint;
  // Two calls take more than what a text does.
  const maxTokens = work === useTools ? 2 * SMALL.maxTokens : SMALL.maxTokens;
  const client = clientOf(api, {
    maxRetries: 0,
    fetch: through(api.fetch, async ({ send }) => {
      killer.pass();
      const response = await send();
      const text = await response.text();
      killer.pass();
      return new Response(text, response);
    }),
  });
  const agent = await RollingSession.open(client, {
    ...SMALL,
    maxTokens,
    policy,
    checkpoint,
    retries: 0,
    sleep: noSleep,
  });
  await agent.resume();
  await work(agent, killer);
  return { told: transcript(await collect(agent.history())), snapshots: agent.snapshots };
}

/** Runs it, killed at a place of its own, and then to its end. @returns undefined where it ended before that place */
async function killAndGoOn(bench: Bench, at: number, policy: Policy, work?: Work) {
  const checkpoint = new MortalCheckpoint();
  checkpoint.killer = new Killer(at);
  const killed = await program(bench, checkpoint, policy, work).then(
    () => false,
    (error) => {
      if (checkpoint.killer.alive) throw error;
      return true;
    },
  );
  if (!killed) return undefined;
  checkpoint.killer = new Killer(Number.POSITIVE_INFINITY);
  return program(bench, checkpoint, policy, work);
}

const COMPRESS = { kind: 'compress', ratio: 2, preserve_len: 100 } as const;
const POLICIES: Record<string, Policy> = {
  truncate: 'truncate',
  compress: () => [COMPRESS],
  'compress, then truncate': () => [COMPRESS, { kind: 'truncate', preserve_len: 120 }],
};

describe('killed anywhere, a rolling session loses, doubles and repeats nothing', () => {
  it.each(Object.entries(POLICIES))('with policy %s', async (name, policy) => {
    const { start, stride } = strideOf(name === 'truncate' ? 3 : 7);
    const bench = await startBench();
    const { client, model } = bench;
    const expected = await program(bench, new MortalCheckpoint(), policy);
    const snapshots = async () => (await collect(client.sessions.snapshot.list())).length;
    for (const { id } of (await client.sessions.list()).data) await client.sessions.delete(id);
    const usual = { snapshots: await snapshots(), asked: model.asked.length };
    expect(usual.snapshots).toBeGreaterThan(0);
    let places = start;
    for (let at = start; ; at += stride) {
      const before = { snapshots: await snapshots(), asked: model.asked.length };
      const run = await killAndGoOn(bench, at, policy);
      if (!run) break;
      places += stride;
      expect(run.told, `killed at ${at}`).toEqual(expected.told);
      expect(new Set(run.snapshots).size, `killed at ${at}`).toBe(usual.snapshots);
      expect(run.snapshots, `killed at ${at}`).toHaveLength(usual.snapshots);
      expect((await snapshots()) - before.snapshots, `killed at ${at}`).toBe(usual.snapshots);
      expect(model.asked.length - before.asked, `killed at ${at}`).toBe(usual.asked);
      const [newest, ...others] = (await client.sessions.list()).data;
      expect(others).toEqual([]);
      await client.sessions.delete(String(newest?.id));
    }
    expect(places).toBeGreaterThan(60);
  });

  it('in two rounds of tools', async () => {
    const bench = await startBench();
    await bench.api.emulator.script(TOOL_RULES);
    const { told } = await program(bench, new MortalCheckpoint(), 'truncate', useTools);
    expect(told.map((line) => line.split(':')[0])).toEqual(
      'user assistant tool tool assistant tool assistant'.split(' '),
    );
    let killed = 0;
    for (let run = await killAndGoOn(bench, killed, 'truncate', useTools); run; ) {
      expect(run.told, `killed at ${killed}`).toEqual(told);
      killed += 1;
      run = await killAndGoOn(bench, killed, 'truncate', useTools);
    }
    expect(killed).toBeGreaterThan(20);
    expect(bench.api.emulator.journal.entries({ status: '4xx' })).toEqual([]);
  });
});
