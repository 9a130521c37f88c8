import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Ledger, ledgerName } from '../../conformance/core/ledger.ts';
import { conformance, temporaryFolder } from './command.ts';
import { contentsOf, type Recorder, startRecorder } from './recorder.ts';

const KEY = 'sk-conformance-a';

/** A ledger of this target, with one session in it that is still there. */
async function leftBehind({ emulator, url }: Recorder, folder: string, run: string): Promise<string> {
  const file = join(folder, ledgerName(run));
  const ledger = new Ledger({ run, target: url, file });
  ledger.intend('A', 'POST', '/sessions');
  const response = await emulator.fetch(`${emulator.baseURL}/sessions`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ metadata: { kimi_conformance_run: run } }),
  });
  const { id } = (await response.json()) as { id: string };
  writeFileSync(
    file,
    `${readFileSync(file, 'utf8')}${JSON.stringify({ created: { kind: 'session', id, account: 'A' } })}\n`,
  );
  return file;
}

function sweep({ url }: Recorder, out: string) {
  return conformance(['sweep', '--target', url, '--out', out]);
}

it.each([
  ['is empty', ''],
  ['was cut in its first line', '{"ledger":1,"run":"cut","tar'],
])('a ledger that %s holds nothing, and keeps no other from being swept', async (_, text) => {
  const recorder = await startRecorder();
  const out = temporaryFolder();
  writeFileSync(join(out, ledgerName('a-cut')), text);
  await leftBehind(recorder, out, 'whole');
  const { code, stdout } = await sweep(recorder, out);
  expect(stdout).toContain('1 deleted, 0 could not be deleted');
  expect(stdout).toContain('ledger-a-cut.jsonl was cut before anything was created');
  expect(code).toBe(0);
  expect(await contentsOf(recorder, KEY)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

it.each([
  ['was cut', '{"created":{"kind":"session","id":"se'],
  ['has lines that say nothing', 'null\n7\n{"created":{}}\n'],
])('of a ledger that %s what it has is swept, and what is lost is told', async (_, rest) => {
  const recorder = await startRecorder();
  const out = temporaryFolder();
  const file = await leftBehind(recorder, out, 'torn');
  writeFileSync(file, readFileSync(file, 'utf8') + rest);
  const { code, stdout } = await sweep(recorder, out);
  expect(stdout).toContain('1 deleted, 0 could not be deleted');
  expect(stdout).toMatch(/ledger-torn\.jsonl, line 4 says nothing: /);
  expect(code).toBe(0);
  expect(await contentsOf(recorder, KEY)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

it('a ledger that does not say whose it is is left alone, and keeps no other from being swept', async () => {
  const recorder = await startRecorder();
  const out = temporaryFolder();
  const name = ledgerName('headless');
  writeFileSync(join(out, name), '{"created":{"kind":"session","id":"sess_1","account":"A"}}\n');
  await leftBehind(recorder, out, 'whole');
  const { code, stdout } = await sweep(recorder, out);
  expect(stdout).toContain('1 deleted, 0 could not be deleted');
  expect(stdout).toContain(`left alone: ${name} (its first line is not there)`);
  expect(code).toBe(0);
  expect(readdirSync(out)).toEqual([name]);
});
