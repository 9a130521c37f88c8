import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startMetered } from './metered-server.ts';
import { run } from './run.ts';

const PYTHON = 'examples/quickstart.py';

it('runs examples/quickstart.ts with an emulator in its process', async () => {
  const { status, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', 'examples/quickstart.ts']);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '7, with 3 messages in the session\n', stderr: '' });
});

it("runs examples/quickstart.py with Python's standard library alone", async (context) => {
  const python = await run('python3', ['--version']).catch(() => undefined);
  if (!python) {
    console.warn(`SKIPPED: ${context.task.name} needs python3`);
    return context.skip('needs python3');
  }
  const { env } = await startMetered();
  expect(await run('python3', ['-S', '-E', PYTHON], env)).toEqual({ status: 0, stdout: '7\n', stderr: '' });
});

it("runs the lines for Python's official SDK that examples/quickstart.py shows", async (context) => {
  const sdk = await run('python3', ['-c', 'import openai'], packages()).catch(() => undefined);
  if (sdk?.status !== 0) {
    console.warn(`SKIPPED: ${context.task.name} needs openai for Python`);
    return context.skip('needs openai for Python');
  }
  const { env } = await startMetered();
  const [, shown = ''] = /:\n\n((?: {4}.*\n)+)\n/.exec(readFileSync(PYTHON, 'utf8')) ?? [];
  const played = await run('python3', ['-c', shown.replaceAll(/^ {4}/gm, '')], { ...env, ...packages() });
  expect(played).toEqual({ status: 0, stdout: '7\n', stderr: '' });
});

/** Where Python finds what is not installed for all. */
function packages(): Record<string, string> {
  const { PYTHONPATH } = process.env;
  return PYTHONPATH === undefined ? {} : { PYTHONPATH };
}
