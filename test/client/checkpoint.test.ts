import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newState, readState } from '../../client/checkpoint.ts';
import { fileCheckpoint } from '../../client/file-checkpoint.ts';
import { RollingSession } from '../../client/index.ts';
import { SMALL, startBench } from './support.ts';

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('a checkpoint', () => {
  it('is read as it was saved', () => {
    const state = newState();
    expect(readState(JSON.parse(JSON.stringify(state)))).toEqual(state);
    expect(readState(undefined)).toBeUndefined();
    expect(readState(null)).toBeUndefined();
  });

  it.each([
    ['foreign', { some: 'file' }],
    ['foreign', 'text'],
    ['foreign', []],
    ['newer', { ...newState(), version: 2 }],
    ['damaged', { ...newState(), turns: -1 }],
    ['damaged', { ...newState(), snapshots: [{ id: 7, turns: 0 }] }],
    ['damaged', { ...newState(), session: { id: 'sess_1' } }],
    ['damaged', { ...newState(), write: { step: 1 } }],
    ['damaged', { ...newState(), documents: { a: {} } }],
  ])('that is %s is refused', (reason, value) => {
    expect(() => readState(value)).toThrow(expect.objectContaining({ name: 'CheckpointError', reason }));
  });

  it('in a file is written whole or not at all, and creates its folder', async () => {
    const folder = await scratch();
    const path = join(folder, 'deep', 'agent.json');
    const checkpoint = fileCheckpoint(path);
    expect(await checkpoint.load()).toBeUndefined();
    const state = newState();
    await checkpoint.save(state);
    // What a kill in the middle of the next write leaves.
    await writeFile(`${path}.tmp`, '{"format":"kimi-ro');
    expect(await fileCheckpoint(path).load()).toEqual(state);
    await checkpoint.save({ ...state, turns: 3 });
    expect(await fileCheckpoint(path).load()).toEqual({ ...state, turns: 3 });
    expect(await readdir(join(folder, 'deep'))).toEqual(['agent.json']);
  });

  it('in a file that is not JSON is reported as damaged and not overwritten', async () => {
    const path = join(await scratch(), 'agent.json');
    await writeFile(path, '{"format":');
    const { client } = await startBench();
    const opening = RollingSession.open(client, { ...SMALL, checkpoint: fileCheckpoint(path, { durable: true }) });
    await expect(opening).rejects.toMatchObject({ reason: 'damaged', message: expect.stringContaining(path) });
    expect(await readFile(path, 'utf8')).toBe('{"format":');
    expect((await client.sessions.list()).data).toEqual([]);
  });

  it('stays small, whatever the session holds', async () => {
    const path = join(await scratch(), 'agent.json');
    const { client } = await startBench();
    const agent = await RollingSession.open(client, { ...SMALL, checkpoint: fileCheckpoint(path) });
    for (let turn = 0; turn < 20; turn += 1) await agent.complete(`turn ${turn} ${'and so on '.repeat(20)}`);
    const bytes = (await readFile(path)).length;
    expect(bytes).toBeLessThan(500 + 60 * agent.snapshots.length);
  });
});
