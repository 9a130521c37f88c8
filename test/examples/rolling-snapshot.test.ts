import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requireShared } from '../support/shared.ts';
import { expectPlayed } from './expect-played.ts';
import { startMetered } from './metered-server.ts';
import { run, runCommand } from './run.ts';

const TRIGGER = 11_000;
const trigger = ['--trigger', String(TRIGGER)];

it('npm run example runs the example', async () => {
  const { env, ...server } = await startMetered();
  const args = ['--import', 'tsx', 'examples/rolling-snapshot.ts', 'examples/input', ...trigger, '--crossings', '1'];
  await expectPlayed(await run(process.execPath, args, env), { ...server, trigger: TRIGGER, crossings: 1 });
});

describe('the example', () => {
  it('plays its own input until the window was cut twice, and rolls back', async () => {
    const { env, ...server } = await startMetered();
    const played = await runCommand(['examples/input', ...trigger], env);
    await expectPlayed(played, { ...server, trigger: TRIGGER, crossings: 2 });
    expect(played.stdout).toMatch(/^\[#+-*\] +[\d,]+ of 11,000 tokens, round \d+$/m);
    expect(played.stdout).not.toContain('\x1b');
  });

  it('plays the dialogues and the novel in turns, tool calls and all', async (context) => {
    requireShared(context, 'dialogues');
    requireShared(context, 'novel');
    const { env, ...server } = await startMetered();
    const played = await runCommand([...trigger, '--crossings', '3'], env);
    expect(played.stdout).toContain('tau-airline.jsonl, story-of-the-stone.txt');
    await expectPlayed(played, { ...server, trigger: TRIGGER, crossings: 3 });
  });

  it('needs no server: without KIMI_BASE_URL the emulator is in its process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kimi-example-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'text.txt'), 'The lamp was lit at nine. '.repeat(900));
    await writeFile(join(folder, 'image.bin'), Buffer.from([0, 1, 2, 255]));
    const { status, stdout, stderr } = await runCommand([folder, ...trigger, '--crossings', '1']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('an emulator in this process');
    expect(stdout).toMatch(/^rollback {2}snap_/m);
  });

  it('looks for text before it creates anything on a server', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kimi-example-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'image.bin'), Buffer.from([0, 1, 2, 255]));
    const { env, meter } = await startMetered();
    const failed = await runCommand([folder], env);
    expect(failed).toMatchObject({ status: 2, stderr: `rolling-snapshot: ${folder} holds no text (see --help)\n` });
    expect(meter.posts).toEqual([]);
  });

  it.each([
    ['a wrong flag', ['--nope'], {}, 2],
    ['a folder without text', ['test/examples/none'], {}, 2],
    ['a server that is not there', [], { KIMI_BASE_URL: 'http://127.0.0.1:9/v1' }, 1],
  ])('says %s in one line', async (_, args, env, status) => {
    const failed = await runCommand(args, env);
    expect(failed.stderr).toMatch(/^rolling-snapshot: [^\n]+\n$/);
    expect(failed.status).toBe(status);
  });
});
