import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTranscripts, type Simulation } from '../../emulator/simulate/index.ts';
import { run } from '../cli/server-process.ts';
import { inTurn } from '../support/in-turn.ts';
import { outline } from './outline.ts';
import { claude, GOOD, readOne, transcriptFolder } from './transcript-files.ts';

const itInTurn = inTurn(2);

const { write } = transcriptFolder();

describe('a huge file', () => {
  const MIB = 2 ** 20;
  /** What reading takes more than before, at most, in MiB. */
  async function growth(work: () => Promise<unknown>): Promise<number> {
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 5);
    await work();
    clearInterval(watch);
    return (most - before) / MIB;
  }

  /** A heap of its own with a limit: how much is held is seen, whatever has not been collected yet. */
  async function readWithin(mib: number, path: string): Promise<Simulation> {
    const env = { NODE_OPTIONS: `--max-old-space-size=${mib}` };
    const args = ['simulate', '--transcript', path, '--policies', 'none', '--workers', '1', '--json'];
    const { code, stdout, stderr } = await run(args, { env });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Simulation;
  }

  itInTurn('of records that are not messages takes no more memory than its longest lines', async () => {
    const path = write('progress.jsonl', claude('u1', null, 'user', { role: 'user', content: 'Hi' }));
    const noise = `${JSON.stringify({ type: 'progress', uuid: '', data: 'x'.repeat(MIB) })}\n`;
    for (let part = 0; part < 300; part += 1) appendFileSync(path, noise);
    const last = { role: 'assistant', id: 'm', content: [{ type: 'text', text: 'Hello.' }] };
    appendFileSync(path, `${JSON.stringify(claude('u2', 'u1', 'assistant', last))}\n`);
    expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.']);
    await readWithin(150, path);
  });

  itInTurn('of more records without messages than can be held is read along its branch all the same', async () => {
    const said = { role: 'user', content: 'Hi' };
    const path = write('steps.jsonl', { type: 'user', uuid: 'u1', parentUuid: null, message: said });
    let parent = 'u1';
    const count = 300_000;
    for (let from = 0; from < count; from += 50_000) {
      const records = Array.from({ length: 50_000 }, (_, place) => {
        const uuid = `5d677525-c157-45f4-921c-${String(from + place).padStart(12, '0')}`;
        const record = `{"type":"progress","uuid":"${uuid}","parentUuid":"${parent}"}\n`;
        parent = uuid;
        return record;
      });
      appendFileSync(path, records.join(''));
    }
    const message = { role: 'assistant', id: 'm', content: [{ type: 'text', text: 'Hello.' }] };
    appendFileSync(path, `${JSON.stringify({ type: 'assistant', uuid: 'u2', parentUuid: parent, message })}\n`);
    const { transcripts } = await readWithin(64, path);
    expect(transcripts).toMatchObject([{ rounds: 1, messages: 2 }]);
  });

  it('of more tiny messages than can be held is refused in one line', async () => {
    const path = write('tiny.jsonl', ...GOOD);
    const record = `${JSON.stringify({ role: 'user', content: '' })}\n`;
    for (let part = 0; part < 10; part += 1) appendFileSync(path, record.repeat(50_000));
    await expect(readTranscripts([path])).rejects.toThrow(/: is too large: more than 32 MiB of messages/);
  });

  it('of messages is refused in one line before all of it is held', async () => {
    const path = write('messages.jsonl', ...GOOD);
    const line = `${JSON.stringify({ role: 'user', content: 'x'.repeat(MIB) })}\n`;
    for (let part = 0; part < 100; part += 1) appendFileSync(path, line);
    const grown = await growth(() =>
      expect(readTranscripts([path])).rejects.toThrow(
        /: is too large: more than 32 MiB of messages, in this file or with those before it$/,
      ),
    );
    expect(grown).toBeLessThan(200);
  });

  it('of one line is refused in one line', async () => {
    const path = write('line-without-end.jsonl', '{"role":"user","content":"');
    for (let part = 0; part < 70; part += 1) appendFileSync(path, 'x'.repeat(MIB));
    await expect(readTranscripts([path])).rejects.toThrow(/: line 1 is longer than 64 MiB$/);
  });
});
