import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withRollingOptions } from '../../docs/options-table.ts';
import { createEmulator } from '../../emulator/index.ts';
import { readScript } from '../../emulator/models/scripted/read-script.ts';
import { inTurn } from '../support/in-turn.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const itInTurn = inTurn(2);

const page = readFileSync(`${ROOT}docs/agents.md`, 'utf8');
const [, program = ''] = /```ts\n(\/\/ agent\.ts[\s\S]*?)```/.exec(page) ?? [];
const [, question = ''] = /npx tsx agent\.ts '([^']+)'/.exec(page) ?? [];

/** The page's agent in a project of its own, and an emulator for it. */
async function setUp() {
  const { folder, env, remove } = makeProject({ 'agent.ts': program, 'note.txt': 'The code is 4711.\n' });
  onTestFinished(remove);
  const emulator = createEmulator();
  onTestFinished(() => emulator.close());
  const { url } = await emulator.listen();
  const start = () => {
    const surroundings = { ...env, KIMI_BASE_URL: `${url}/v1`, KIMI_API_KEY: 'sk-agent' };
    const child = spawn(process.execPath, ['--import', 'tsx', 'agent.ts', question], {
      cwd: folder,
      env: surroundings,
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    const ended = new Promise<{ signal: string | null; output: string }>((resolve) => {
      child.once('close', (_, signal) => resolve({ signal, output }));
    });
    return { child, ended };
  };
  return { emulator, folder, start };
}

/** Starts the agent and waits until its tool is under way: it reads a file into which nobody writes. */
async function waitInTool(folder: string, start: Awaited<ReturnType<typeof setUp>>['start']) {
  const note = join(folder, 'note.txt');
  rmSync(note);
  execFileSync('mkfifo', [note]);
  const { child, ended } = start();
  await expect.poll(() => checkpointOf(folder).calls?.length).toBe(1);
  return { note, child, ended };
}

/** What was said in the one session that there is: roles, and the calls and texts of the model. */
async function told(emulator: ReturnType<typeof createEmulator>): Promise<string[]> {
  const headers = { authorization: 'Bearer sk-agent' };
  const ask = async (path: string) => (await emulator.fetch(emulator.baseURL + path, { headers })).json();
  const { data: sessions } = (await ask('/sessions')) as { data: { id: string }[] };
  expect(sessions).toHaveLength(1);
  const { data } = (await ask(`/sessions/${sessions[0]?.id}/messages?order=asc`)) as {
    data: { role: string; content: string | null; tool_calls?: { function: { arguments: string } }[] }[];
  };
  return data.map(({ role, content, tool_calls: [call] = [] }) => `${role}: ${call?.function.arguments ?? content}`);
}

const TOLD = [
  'system: You answer from files.',
  `user: ${question}`,
  'assistant: {"path": "note.txt"}',
  'tool: The code is 4711.\n',
  'assistant: 4711',
];
const chats = (emulator: ReturnType<typeof createEmulator>) =>
  emulator.journal.entries({ operation: 'createChatCompletion', status: 200 }).length;

describe('the agent of docs/agents.md', () => {
  it('has forty lines', () => {
    expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  itInTurn('calls its tool and answers; started again, it says the same and asks nothing', async () => {
    const { emulator, start } = await setUp();
    expect(await start().ended).toEqual({ signal: null, output: '4711\n' });
    expect(await start().ended).toEqual({ signal: null, output: '4711\n' });
    expect(await told(emulator)).toEqual(TOLD);
    expect(chats(emulator)).toBe(2);
  });

  itInTurn('killed between a call and its result, runs the tool again and goes on', async () => {
    const { emulator, folder, start } = await setUp();
    const { note, child, ended } = await waitInTool(folder, start);
    child.kill('SIGKILL');
    expect(await ended).toEqual({ signal: 'SIGKILL', output: '' });
    expect(chats(emulator)).toBe(1);
    rmSync(note);
    writeFileSync(note, 'The code is 4711.\n');
    expect(await start().ended).toEqual({ signal: null, output: '4711\n' });
    expect(await told(emulator)).toEqual(TOLD);
    expect(chats(emulator)).toBe(2);
  });

  itInTurn('killed while the results are under way, does not run the tool again', async () => {
    const { emulator, folder, start } = await setUp();
    const { note, child, ended } = await waitInTool(folder, start);
    emulator.faults.add({ operation: 'createChatCompletion', effect: 'hang', times: 1 });
    // Opening it waits for the tool, for which this process must go on answering.
    await writeFile(note, 'The code is 4711.\n');
    await expect.poll(() => emulator.faults.list()[0]?.waiting).toBe(1);
    child.kill('SIGKILL');
    expect(await ended).toEqual({ signal: 'SIGKILL', output: '' });
    expect(checkpointOf(folder)).toMatchObject({ write: { kind: 'turn' } });
    rmSync(note);
    writeFileSync(note, 'The code is another.\n');
    expect(await start().ended).toEqual({ signal: null, output: '4711\n' });
    expect(await told(emulator)).toEqual(TOLD);
  });
});

function checkpointOf(folder: string): { calls?: unknown[]; write?: object | null } {
  try {
    return JSON.parse(readFileSync(join(folder, '.agent.json'), 'utf8'));
  } catch {
    return {};
  }
}

it('docs/agents.md has every option of RollingSession.open, with what it is (npm run docs)', () => {
  expect(page).toBe(withRollingOptions(page));
  const [, table = ''] = /<!-- rolling options[^\n]*\n([\s\S]*?)<!--/.exec(page) ?? [];
  const source = readFileSync(`${ROOT}client/rolling/context.ts`, 'utf8');
  const [, members = ''] = /export interface RollingOptions \{\n([\s\S]*?)\n\}/.exec(source) ?? [];
  const names = [...members.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  expect([...table.matchAll(/^\| `(\w+)` \| `[^\n]+` \| [^|\s][^\n]+ \|$/gm)].map(([, name]) => name)).toEqual(names);
  expect(names.length).toBeGreaterThan(14);
});

it('the script of docs/agents.md is valid', () => {
  const [, script = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  expect(readScript(script, 'rules.yaml').rules).toHaveLength(2);
});
