import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runDoctorCommand } from '../../emulator/cli/doctor.ts';
import { runJournalCommand } from '../../emulator/cli/journal.ts';
import { columns } from '../../emulator/terminal/text.ts';
import { temporaryFolder } from '../store/files.ts';
import { MODEL, startEmulator } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { called, createSession, O200K, result, sized, tool } from '../support/session.ts';
import { runHere } from './in-process.ts';
import { run, ServerProcess } from './server-process.ts';

/** An emulator with a session, a turn, a refusal, a lookup and a cut, and what the command prints of it. */
async function journaled() {
  const api = await startEmulator('over HTTP', { tokenizer: O200K, limits: { min_preserve_tokens: 64 } });
  const session = await createSession(api);
  await session.chat([sized(100)], { stream: true });
  await session.append({ messages: [called('functions.look:0'), result('functions.look:0', '\u202e\u001b[2J')] });
  await session.append(result('functions.look:0'));
  await session.append(sized(200));
  await session.truncate(210);
  await api.get('/v1/models/gpt');
  const env = { KIMI_BASE_URL: api.emulator.baseURL };
  const journal = (...args: string[]) => runHere(runJournalCommand, args, { env });
  return { api, session, journal, url: new URL(api.emulator.baseURL).origin };
}

it('journal lists the requests of the emulator of KIMI_BASE_URL, or of a URL, as the log does', async () => {
  const { journal, session, url } = await journaled();
  const { code, out, err } = await journal();
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(new RegExp(`#2 POST +chat/completions ${session.id} +200 +103/\\d+ +0% +\\d+/\\d+ms `));
  expect(out).toMatch(
    /#4 POST +sessions\/sess_\w+\/messages +400 +\d+ms\n {14}tool_result_orphan: .*\n {14}hint: call functions\.look:0 was answered already, by request #3/,
  );
  expect(out.match(/^\d\d:\d\d:\d\d +#\d+ /gm)).toHaveLength(7);
  for (const args of [[url], ['--url', `${url}/v1`]]) {
    expect((await runHere(runJournalCommand, args)).out).toBe(out);
  }
});

it('journal N shows all that is known of a request, with or without the sign that stands before its number', async () => {
  const { journal, session } = await journaled();
  const turn = await journal('#2');
  expect(turn.out).toMatch(/^#2 {2}POST \/v1\/chat\/completions {2}createChatCompletion\n/);
  expect(turn.out).toMatch(/^ {2}200, first byte\/end \d+\/\d+ms, \d+ events, complete$/m);
  expect(turn.out).toContain(`  session ${session.id}\n`);
  expect(turn.out).toMatch(/^ {2}103 tokens of prompt \(0 cached\), \d+ of completion: 0\.\d+ USD$/m);
  expect(turn.out).toMatch(
    /^Effects\n {2}wrote 1 message, 100 tokens; the window holds \d+ tokens\n {2}kimi-k2-0905-preview answered \(stop\)/m,
  );
  expect(turn.out).toMatch(/^Request, \d+ bytes\n {2}\{\n {4}"model": "kimi-k2-0905-preview",$/m);
  const [, refused = '', cut = ''] = (await journal('2', '4', '6')).out.split(/^(?=#\d)/m);
  expect(refused).toMatch(/^#4 .*\n(?: {2}.*\n)* {2}hint: call functions\.look:0 was answered already/);
  expect(refused).toContain('"code": "tool_result_orphan"');
  expect(refused).not.toContain('Effects');
  expect(cut).toMatch(/^Effects\n {2}cut \d+ messages, \d+ tokens; the window holds 200 tokens$/m);
});

it('every request that the doctor names can be opened by its number', async () => {
  const model = saying({ type: 'tool_call', name: 'look', arguments: '{}' });
  const api = await startEmulator('over HTTP', { tokenizer: O200K, model });
  const session = await createSession(api, { tools: [tool('look')] });
  for (let count = 0; count < 2; count += 1) await session.truncate(1);
  await session.chat([sized(10)]);
  await api.post('/v1/chat/completions', { model: MODEL, messages: [sized(10)], made_up: 1 });
  const { out } = await runHere(runDoctorCommand, [api.emulator.baseURL]);
  const named = new Set([...out.matchAll(/#\d+/g)].map(([number]) => number));
  expect(named.size).toBeGreaterThan(2);
  for (const number of named) {
    const opened = await runHere(runJournalCommand, [number, api.emulator.baseURL]);
    expect(opened).toMatchObject({ code: 0, err: '' });
    expect(opened.out).toMatch(new RegExp(`^${number} `));
  }
});

it('journal selects by session, by its beginning too, by status, and by how many', async () => {
  const { api, journal, session } = await journaled();
  const other = await createSession(api);
  const numbers = async (...args: string[]) =>
    [...(await journal(...args)).out.matchAll(/^\S+ +#(\d+)/gm)].map(([, n]) => Number(n));
  for (const id of [session.id, session.id.slice(0, 12), session.id.slice(5, 12), `${session.id.slice(5, 12)}…`])
    expect(await numbers('--session', id), id).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await numbers('--session', other.id)).toEqual([8]);
  expect(await numbers('--status', '4XX')).toEqual([4, 7]);
  expect(await numbers('--status', '404')).toEqual([7]);
  expect(await numbers('--limit', '2')).toEqual([7, 8]);
  expect((await journal('--status', '5xx')).out).toBe('no request with the status 5xx among 8\n');
  const mistyped = `${session.id.slice(0, -1)}x`;
  expect((await journal('--session', mistyped)).out).toBe(
    `no request of the session ${mistyped} among 8; did you mean ${session.id}?\n`,
  );
});

it('journal says in one line what it cannot do', async () => {
  const { journal, url } = await journaled();
  const failures: [string[], number, RegExp][] = [
    [['99'], 1, /^no request #99 is in the journal: it holds #1 to #7$/],
    [
      ['--status', '4x'],
      2,
      /^--status takes a status such as 404, a class such as 4xx, or open, not 4x \(see --help\)$/,
    ],
    [['--limit', '0'], 2, /^--limit takes a whole number from 1, not 0/],
    [['--folow'], 2, /^unknown flag '--folow'; did you mean --follow\?/],
    [['--follow', '3'], 2, /^--follow shows all requests as they end/],
    [[url, 'journal.json'], 2, /^one URL or FILE at a time/],
    [['nothing.json'], 3, /^cannot read nothing\.json: ENOENT$/],
    [['http://127.0.0.1:1'], 3, /^no emulator answers at http:\/\/127\.0\.0\.1:1: /],
  ];
  for (const [args, code, says] of failures) {
    const failed = await journal(...args);
    expect({ code: failed.code, out: failed.out }, args.join(' ')).toEqual({ code, out: '' });
    expect(failed.err.replace('kimi-emulator journal: ', '').trimEnd()).toMatch(says);
    expect(failed.err.trimEnd()).not.toContain('\n');
  }
});

it('journal --json is a journal that it and the doctor read from a file, and one entry where a number is given', async () => {
  const { journal } = await journaled();
  const file = join(temporaryFolder(), 'journal.json');
  writeFileSync(file, (await journal('--json', '--status', '4xx')).out);
  expect(JSON.parse(readFileSync(file, 'utf8')).entries).toMatchObject([{ n: 4 }, { n: 7 }]);
  expect((await journal(file)).out.match(/^\S+ +#\d+/gm)).toHaveLength(2);
  expect((await journal(file, '4')).out).toMatch(/^#4 /);
  expect((await runHere(runDoctorCommand, [file])).out).toContain('2 requests of');
  expect(JSON.parse((await journal('--json', '7')).out)).toMatchObject({ n: 7, status: 404 });
  expect(JSON.parse((await journal('--json', '7', '4')).out)).toMatchObject([{ n: 7 }, { n: 4 }]);
});

it('on a terminal all of a request fits, and nothing of its texts acts', async () => {
  const { url } = await journaled();
  for (const args of [[url], ['2', '3', '4', url]]) {
    const { out } = await runHere(runJournalCommand, args, { terminal: 80, env: { NO_COLOR: '1' } });
    for (const line of out.split('\n')) expect(columns(line), line).toBeLessThanOrEqual(80);
    expect(out).not.toMatch(/\u202e/);
    expect(out.includes('\u001b')).toBe(false);
  }
});

it('journal --follow goes on with each request as it ends, until its emulator has', async () => {
  const { server, ready } = await ServerProcess.listening(['--memory']);
  const get = (path: string) => fetch(ready.base_url + path, { headers: { Authorization: 'Bearer sk-test' } });
  await get('/models');
  const following = new ServerProcess(['journal', '--follow', ready.base_url]);
  expect(await following.nextLine()).toMatch(/#1 GET +models +200/);
  await get('/models/kimi-k3');
  expect(await following.nextLine()).toMatch(/#2 GET +models\/kimi-k3 +200/);
  await get('/models/kimi-k9');
  expect(await following.nextLine()).toMatch(/#3 GET +models\/kimi-k9 +404/);
  await server.signal('SIGTERM');
  expect(await following.ended).toMatchObject({ code: 3, stderr: expect.stringContaining('no emulator answers') });
});

it('journal --follow shows a request when it has ended, and not before', async () => {
  const { server, ready } = await ServerProcess.listening(['--memory']);
  const headers = { Authorization: 'Bearer sk-test', 'Content-Type': 'application/json' };
  const faults = new URL('/_emulator/faults', ready.base_url);
  const fault = JSON.stringify({ operation: 'listModels', effect: 'hang' });
  await fetch(faults, { method: 'POST', headers, body: fault });
  const held = fetch(`${ready.base_url}/models`, { headers });
  const journal = new URL('/_emulator/journal?status=open', ready.base_url);
  const open = async () => ((await (await fetch(journal)).json()) as { entries: object[] }).entries;
  await expect.poll(open).toHaveLength(1);
  const following = new ServerProcess(['journal', '--follow', ready.base_url]);
  await fetch(`${ready.base_url}/models/kimi-k3`, { headers });
  expect(await following.nextLine()).toMatch(/#2 GET +models\/kimi-k3 +200/);
  await fetch(faults, { method: 'DELETE', headers });
  await held;
  expect(await following.nextLine()).toMatch(/#1 GET +models +200/);
  await following.signal('SIGINT');
  await server.signal('SIGTERM');
});

it('journal --follow --json prints an entry a line, and those that fit alone', async () => {
  const { server, ready } = await ServerProcess.listening(['--memory']);
  const get = (path: string) => fetch(ready.base_url + path, { headers: { Authorization: 'Bearer sk-test' } });
  const following = new ServerProcess(['journal', '-f', '--json', '--status', '404', ready.base_url]);
  await get('/models');
  await get('/models/kimi-k9');
  expect(JSON.parse((await following.nextLine()) ?? '')).toMatchObject({
    n: 2,
    status: 404,
    path: '/v1/models/kimi-k9',
  });
  await following.signal('SIGINT');
  await server.signal('SIGTERM');
  expect((await run(['journal', '--help'])).stdout).toMatch(
    /^Usage: kimi-emulator journal \[N…\] \[URL\|FILE\] \[flags\]$/m,
  );
});
