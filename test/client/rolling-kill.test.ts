import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { strideOf } from '../support/slice.ts';
import { runAgent } from './agent-program.ts';
import { clientOf, collect, startBench, transcript } from './support.ts';

/** Two at a time: a process takes most of its time to start. */
const LANES = 2;
const { start: START, stride: STRIDE } = strideOf(6);

/** The program as one file, which starts in a tenth of the time. */
async function bundle(folder: string): Promise<string> {
  const outfile = join(folder, 'mortal-agent.mjs');
  const entry = fileURLToPath(new URL('mortal-agent.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' });
  return outfile;
}

async function runChild(program: string, args: string[]): Promise<'killed' | 'ended'> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code, signal] = await once(child, 'exit');
  if (signal === 'SIGKILL') return 'killed';
  expect(code).toBe(0);
  return 'ended';
}

describe('a process that is killed with SIGKILL at any step', () => {
  it('leaves what the next one continues: no turn lost, doubled or asked again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mortal-agent-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { api, model } = await startBench('over HTTP');
    const client = clientOf(api, { apiKey: 'sk-agent' });
    const { baseURL } = api.emulator;
    const program = await bundle(folder);
    const whole = await runAgent(baseURL, join(folder, 'whole.json'), () => undefined);
    const expected = transcript(await collect(whole.history()));
    const questions = model.asked.length;
    let next = START;
    let ended = false;
    let kills = 0;
    let runs = 1;
    const lane = async (): Promise<void> => {
      while (!ended) {
        const at = next;
        next += STRIDE;
        const path = join(folder, `${at}.json`);
        const outcome = await runChild(program, [baseURL, path, String(at)]);
        runs += 1;
        if (outcome === 'killed') kills += 1;
        else ended = true;
        const agent = await runAgent(baseURL, path, () => undefined);
        expect(transcript(await collect(agent.history())), `killed at ${at}`).toEqual(expected);
        expect(agent.snapshots, `killed at ${at}`).toHaveLength(whole.snapshots.length);
        expect(await collect(client.sessions.snapshot.list(agent.sessionId))).toHaveLength(whole.snapshots.length);
        await agent.delete();
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    expect(whole.snapshots.length).toBeGreaterThan(0);
    expect(START + kills * STRIDE).toBeGreaterThan(40);
    // One turn can be under way when its process is killed, and is asked again; what was committed is not.
    const asked = model.asked.length - runs * questions;
    expect(asked).toBeGreaterThanOrEqual(0);
    expect(asked).toBeLessThanOrEqual(kills);
    expect((await collect(client.sessions.list())).map(({ id }) => id)).toEqual([whole.sessionId]);
  });
});
