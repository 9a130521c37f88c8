import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEmulator, createGateway } from 'kimi-emulator';
import { describe, expect, it, onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('node_modules/@moonshot-ai/kimi-code/dist/main.mjs', import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const runs = existsSync(MAIN) && (major > 22 || (major === 22 && minor >= 19));
if (!runs) console.warn('SKIPPED: @moonshot-ai/kimi-code needs Node 22.19, and to be installed');

/** Moonshot's own client, told nothing but where to go, in a folder of its own. */
async function ask(emulator, folder, { model = 'kimi-k3', prompt = 'Which code does note.txt hold?', through } = {}) {
  const { url, close } = await (through ?? emulator).listen();
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    KIMI_CODE_HOME: join(folder, 'home'),
    KIMI_CODE_NO_AUTO_UPDATE: '1',
    KIMI_MODEL_NAME: model,
    KIMI_MODEL_API_KEY: 'sk-any',
    KIMI_MODEL_BASE_URL: `${url}/v1`,
  };
  const options = { cwd: folder, env, encoding: 'utf8' };
  const told = await new Promise((resolve) => {
    const args = [MAIN, '--prompt', prompt];
    const done = (error, stdout, stderr) => resolve({ ok: error === null, text: stdout + stderr });
    execFile(process.execPath, args, options, done).stdin?.end();
  });
  await close();
  return {
    ...told,
    statuses: emulator.journal.entries({ operation: 'createChatCompletion' }).map((entry) => entry.status),
  };
}

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-code-'));
  const emulator = createEmulator({ models: 'live' });
  onTestFinished(async () => {
    await emulator.close();
    await rm(folder, { recursive: true });
  });
  await writeFile(join(folder, 'note.txt'), 'The code is 4711.\n');
  const arguments_ = { path: join(folder, 'note.txt') };
  await emulator.script([
    { when: { tool: { content: '4711' } }, reply: { reasoning: 'The file says it.', text: 'It is 4711.' } },
    { reply: { reasoning: 'Read the file.', tool_calls: [{ name: 'Read', arguments: arguments_ }] } },
  ]);
  return { emulator, folder };
}

describe.skipIf(!runs)('@moonshot-ai/kimi-code 0.38 on models that think', () => {
  it.each(['kimi-k3', 'kimi-k2.6'])('on %s: thinks, reads a file with its own tool and answers', async (model) => {
    const { emulator, folder } = await start();
    const { ok, text, statuses } = await ask(emulator, folder, { model });
    expect(text).toContain('It is 4711.');
    expect({ ok, statuses }).toEqual({ ok: true, statuses: [200, 200] });
  });

  it('works through a gateway in front of an API that keeps no sessions', async () => {
    const { emulator, folder } = await start();
    const { url } = await emulator.listen();
    const through = createGateway({ upstream: `${url}/v1` });
    onTestFinished(() => through.close());
    const { ok, text, statuses } = await ask(emulator, folder, { through });
    expect(text).toContain('It is 4711.');
    expect({ ok, statuses }).toEqual({ ok: true, statuses: [200, 200] });
  });

  it('drops its pictures and asks again where a damaged one is refused', async () => {
    const { emulator, folder } = await start();
    const name = 'damaged.png';
    const path = join(folder, name);
    await writeFile(path, Buffer.from('89504e470d0a1a0a00', 'hex'));
    await emulator.script([
      { when: { tool: { content: name } }, reply: { reasoning: 'It is gone.', text: 'I cannot see it.' } },
      { reply: { reasoning: 'Look at it.', tool_calls: [{ name: 'ReadMediaFile', arguments: { path } }] } },
    ]);
    const { ok, text, statuses } = await ask(emulator, folder, { prompt: `What does ${name} show?` });
    expect(text).toContain('I cannot see it.');
    expect({ ok, statuses }).toEqual({ ok: true, statuses: [200, 400, 200] });
  });

  it('shows that its model is retired', async () => {
    const { emulator, folder } = await start();
    const { ok, text, statuses } = await ask(emulator, folder, { model: 'kimi-k2.5' });
    expect(text).toContain('Not found the model kimi-k2.5 or Permission denied');
    expect({ ok, statuses }).toEqual({ ok: false, statuses: [404] });
  });

  it('mends its history and asks again where tool calls are said to miss their results', async () => {
    const { emulator, folder } = await start();
    const fault = { operation: 'createChatCompletion', effect: 'error', times: 1 };
    emulator.faults.add({ ...fault, code: 'tool_results_missing' });
    const { ok, text, statuses } = await ask(emulator, folder);
    expect(text).toContain('It is 4711.');
    expect({ ok, statuses }).toEqual({ ok: true, statuses: [400, 200, 200] });
  });

  it('does not repeat a request that is refused for another reason, and shows why', async () => {
    const { emulator, folder } = await start();
    emulator.faults.add({ operation: 'createChatCompletion', effect: 'error', code: 'content_filter', times: 1 });
    const { ok, text, statuses } = await ask(emulator, folder);
    expect(text).toContain('considered high risk');
    expect({ ok, statuses }).toEqual({ ok: false, statuses: [400] });
  });
});
