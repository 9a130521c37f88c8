import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CreatedResources, resourceFileName } from '../../conformance/core/created-resources.ts';
import { conformance, temporaryFolder } from './command.ts';
import { contentsOf, type Recorder, startRecorder } from './recorder.ts';

const KEY = 'sk-conformance-a';

/** A record of this target, with one session in it that is still there. */
async function leftBehind({ emulator, url }: Recorder, folder: string, run: string): Promise<string> {
  const file = join(folder, resourceFileName(run));
  const resources = new CreatedResources({ run, target: url, file });
  resources.recordIntent('A', 'POST', '/sessions');
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
  ['was cut in its first line', '{"created_resources":1,"run":"cut","tar'],
])('sweep deletes a record that %s and goes on with the others', async (_, text) => {
  const recorder = await startRecorder();
  const out = temporaryFolder();
  writeFileSync(join(out, resourceFileName('a-cut')), text);
  await leftBehind(recorder, out, 'whole');
  const { code, stdout } = await sweep(recorder, out);
  expect(stdout).toContain('1 deleted, 0 could not be deleted');
  expect(stdout).toContain('created-a-cut.jsonl was cut off before anything was created');
  expect(code).toBe(0);
  expect(await contentsOf(recorder, KEY)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

it.each([
  ['was cut', '{"created":{"kind":"session","id":"se'],
  ['has lines that say nothing', 'null\n7\n{"created":{}}\n'],
])('sweep processes what it can read of a record that %s and reports the rest', async (_, rest) => {
  const recorder = await startRecorder();
  const out = temporaryFolder();
  const file = await leftBehind(recorder, out, 'torn');
  writeFileSync(file, readFileSync(file, 'utf8') + rest);
  const { code, stdout } = await sweep(recorder, out);
  expect(stdout).toContain('1 deleted, 0 could not be deleted');
  expect(stdout).toMatch(/created-torn\.jsonl, line 4 is unreadable: /);
  expect(code).toBe(0);
  expect(await contentsOf(recorder, KEY)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

it('sweep skips a record without its header and goes on with the others', async () => {
  const recorder = await startRecorder();
  const out = temporaryFolder();
  const name = resourceFileName('headless');
  writeFileSync(join(out, name), '{"created":{"kind":"session","id":"sess_1","account":"A"}}\n');
  await leftBehind(recorder, out, 'whole');
  const { code, stdout } = await sweep(recorder, out);
  expect(stdout).toContain('1 deleted, 0 could not be deleted');
  expect(stdout).toContain(`belongs to another target: ${name} (its first line is missing)`);
  expect(code).toBe(0);
  expect(readdirSync(out)).toEqual([name]);
});

it('sweep deletes an uploaded file that a record names, and no other', async () => {
  const recorder = await startRecorder();
  const { emulator, url } = recorder;
  const out = temporaryFolder();
  const upload = async (): Promise<string> => {
    const form = new FormData();
    form.append('file', new Blob(['The code is 7.']), 'notes.txt');
    form.append('purpose', 'file-extract');
    const headers = { Authorization: `Bearer ${KEY}` };
    const response = await emulator.fetch(`${emulator.baseURL}/files`, { method: 'POST', headers, body: form });
    return ((await response.json()) as { id: string }).id;
  };
  const [ours, other] = [await upload(), await upload()];
  const file = join(out, resourceFileName('killed'));
  new CreatedResources({ run: 'killed', target: url, file }).recordIntent('A', 'POST', '/files');
  const created = { created: { kind: 'file', id: ours, account: 'A' } };
  writeFileSync(file, `${readFileSync(file, 'utf8')}${JSON.stringify(created)}\n`);
  const { code, stdout } = await sweep(recorder, out);
  expect([code, stdout]).toEqual([0, expect.stringContaining('1 deleted, 0 could not be deleted')]);
  expect(await contentsOf(recorder, KEY)).toEqual([other]);
});
