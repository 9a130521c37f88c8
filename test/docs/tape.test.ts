import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { GATEWAY_FLAGS } from '../../emulator/cli/flags.ts';
import { createEmulator } from '../../emulator/index.ts';
import { run, ServerProcess } from '../cli/server-process.ts';
import { temporaryFolder } from '../store/files.ts';

const PAGE = readFileSync(new URL('../../docs/tape.md', import.meta.url), 'utf8');
const commands = [...PAGE.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block = '']) => block.trim().split('\n'))
  .map((line) => line.replace(/#.*$/, '').trim());

it('the commands of docs/tape.md record, replay, add what is missing, and look into the tape', async () => {
  const cwd = temporaryFolder();
  const upstream = createEmulator();
  onTestFinished(() => upstream.close());
  await upstream.listen();
  const [record = '', replay = '', both = '', ...looks] = commands;
  const serve = async (command: string, texts: readonly string[]): Promise<{ status: number; text: string }[]> => {
    const [, ...args] = command.replaceAll('"$UPSTREAM"', upstream.baseURL).split(/\s+/);
    const { server, ready } = await ServerProcess.listening([...args, '--memory'], { cwd });
    const answers: { status: number; text: string }[] = [];
    for (const text of texts) {
      const messages = [{ role: 'user', content: `Reply with only ${text}` }];
      const body = JSON.stringify({ model: 'kimi-k3', messages });
      const headers = { Authorization: 'Bearer sk-docs-key', 'Content-Type': 'application/json' };
      const response = await fetch(`${ready.base_url}/chat/completions`, { method: 'POST', headers, body });
      answers.push({ status: response.status, text: await response.text() });
    }
    expect((await server.signal('SIGTERM')).code).toBe(0);
    return answers;
  };
  const recorded = await serve(record, ['PING']);
  const [again, missed] = await serve(replay, ['PING', 'PONG']);
  expect(again).toEqual(recorded[0]);
  expect(missed?.status).toBe(501);
  expect(PAGE).toContain(JSON.parse(missed?.text ?? '').error.message);
  expect((await serve(both, ['PING', 'PONG'])).map(({ status }) => status)).toEqual([200, 200]);
  expect(upstream.journal.entries()).toHaveLength(2);
  const said: string[] = [];
  for (const command of looks) {
    const { code, stdout, stderr } = await run(command.split(/\s+/).slice(1), { cwd });
    expect([code, stderr]).toEqual([0, '']);
    said.push(stdout);
  }
  expect(said).toEqual([
    expect.stringMatching(/^ {2}#1 {2}plain {2}200 {2}\d+ ms +kimi-k3, 1 message: Reply with only PING {2}[\s\S]*#2/),
    expect.stringContaining('user: Reply with only PING'),
    'tape run.tape: 2 exchanges, all whole, none with a key\n',
    'tape run.tape: 2 of 2 exchanges left\n',
  ]);
  expect((await serve(replay, ['PONG'])).map(({ status }) => status)).toEqual([200]);
  expect(readFileSync(join(cwd, 'run.tape'), 'utf8')).not.toContain('sk-docs-key');
});

it('the flags in docs/tape.md exist', () => {
  const known = [...Object.keys(GATEWAY_FLAGS), 'keep-last'];
  for (const [, flag = ''] of PAGE.matchAll(/--([a-z-]+)/g)) expect(known).toContain(flag);
});
