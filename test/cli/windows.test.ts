import { expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { runDiffCommand, runSessionsCommand, runWindowCommand } from '../../emulator/cli/windows.ts';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { columns } from '../../emulator/terminal/text.ts';
import { type Api, startEmulator } from '../support/emulator.ts';
import { createSession, O200K, sized, tool } from '../support/session.ts';
import { runHere } from './in-process.ts';

const LIMITS = { min_preserve_tokens: 64, window_tokens: 8_192 };
const LONG = 'The weather is fine and nothing happens here. '.repeat(15);

function start(options: EmulatorOptions = {}): Promise<Api> {
  return startEmulator('over HTTP', { tokenizer: O200K, limits: LIMITS, ...options });
}

/** The commands, asking this emulator. */
function commandsOf(api: Api, surroundings: Parameters<typeof runHere>[2] = {}) {
  const asking = { ...surroundings, env: { KIMI_BASE_URL: api.emulator.baseURL, ...surroundings.env } };
  return {
    sessions: (...args: string[]) => runHere(runSessionsCommand, args, asking),
    window: (...args: string[]) => runHere(runWindowCommand, args, asking),
    diff: (...args: string[]) => runHere(runDiffCommand, args, asking),
  };
}

/** A session with a pin, two compressions and a snapshot of before, and a fork of it that was cut. */
async function harbour(api: Api) {
  const session = await createSession(api, {
    model: 'kimi-k3',
    title: 'the harbour',
    tools: [tool('look', 'Looks something up in the harbour')],
    messages: [{ role: 'system', content: 'You are the harbour master.' }],
  });
  const say = (content: string) => session.append({ role: 'user', content });
  for (let ship = 0; ship < 24; ship += 1)
    await say(`Decision ${ship}: berth ${ship} is for ship ${ship * 7}. ${LONG}`);
  await session.append({ role: 'user', content: 'The key of the crane is K-77.', pinned: true });
  const snapshot = (await session.snapshot({ name: 'before' })).body as Snapshot;
  await session.compress({ ratio: 3 });
  for (let note = 0; note < 6; note += 1) await say(`Later note ${note}: ${LONG}`);
  await session.compress({ ratio: 2 });
  const fork = await createSession(api, { snapshot_id: snapshot.id });
  await fork.truncate(800);
  await fork.append(sized(20));
  return { session, snapshot, fork };
}

it('sessions shows how full each window is, and of what, to scale', async () => {
  const api = await start();
  const { sessions } = commandsOf(api);
  expect(await sessions()).toMatchObject({ code: 0, out: 'no sessions yet\n' });
  const half = await createSession(api, { messages: [{ ...sized(2_048), pinned: true }, sized(2_048)] }, 'sk-another');
  const { session } = await harbour(api);
  const { out } = await sessions();
  expect(out.split('\n')[0]).toMatch(/^session +tokens +messages +USD$/);
  expect(out).toMatch(/^▒ tools {2}█ pins {2}▓ summary {2}■ messages {2}· free$/m);
  const [, bar = ''] = new RegExp(`^${half.id} {2}([▒█▓■·]+) +4096/8192 +50% +2 +0\\.0000$`, 'm').exec(out) ?? [];
  const cells = (glyph: string) => bar.split(glyph).length - 1;
  expect(Math.abs(cells('█') - bar.length / 4)).toBeLessThanOrEqual(1);
  expect(Math.abs(cells('■') - bar.length / 4)).toBeLessThanOrEqual(1);
  expect(Math.abs(cells('·') - bar.length / 2)).toBeLessThanOrEqual(1);
  // However little there is of tools, pins and summary, each is to be seen.
  expect(out).toMatch(new RegExp(`^${session.id} {2}▒+█+▓+·+ .*\n {2}the harbour$`, 'm'));
  const listed = JSON.parse((await sessions('--json')).out);
  expect(listed).toMatchObject([
    { id: half.id, tokens: 4_096, shares: { pins: 2_048, messages: 2_048, free: 4_096 } },
    {},
    {},
  ]);
});

it('window shows what a session is made of, what is pinned, and what was cut', async () => {
  const api = await start();
  const { session } = await harbour(api);
  const { window } = commandsOf(api);
  const { code, out } = await window(session.id);
  expect(code).toBe(0);
  const { usage, version } = (await session.show()).body;
  expect(out).toMatch(new RegExp(`^${session.id} {2}kimi-k3 {2}version ${version}\n[▒█▓■·]+\n`));
  expect(out).toContain(`${usage.total_tokens.toLocaleString('en-US')} of 8,192 tokens, `);
  const shares = [...out.matchAll(/[▒█▓■·] \w+ ([\d,]+)/g)].map(([, tokens = '']) =>
    Number(tokens.replaceAll(',', '')),
  );
  expect(shares.reduce((sum, tokens) => sum + tokens, 0)).toBe(8_192);
  expect(out).toMatch(/^Pinned\n +1 {2}system +\d+ {2}\[pinned\] You are the harbour master\.\n +3 {2}user .*K-77/m);
  expect(out).toMatch(
    /^Cut, compressed or rolled back\n(?: {2}compress by request #\d+: [\d,]+ → [\d,]+ tokens; snap_\w+\n? *keeps what was\n){2}/m,
  );
  expect(out).toMatch(/^Messages, 3\n/m);
  expect(out).toMatch(/^ +2 {2}system +[\d,]+ {2}\[summary\] # Summary of snapshot snap_/m);
  const data = JSON.parse((await window('--json', session.id)).out);
  expect(data).toMatchObject({
    kind: 'session',
    id: session.id,
    messages: 3,
    changes: [{ kind: 'compress' }, { kind: 'compress' }],
  });
  expect(data.items).toHaveLength(3);
});

it('window shows a snapshot too, also where its session is deleted, and the newest messages of many', async () => {
  const api = await start();
  const { session, snapshot } = await harbour(api);
  await api.delete(session.path);
  const { window } = commandsOf(api);
  const { out } = await window(snapshot.id);
  expect(out).toMatch(new RegExp(`^${snapshot.id} {2}kimi-k3\n`));
  expect(out).toMatch(/^Messages, 26\n {2}6 earlier messages \(--all shows them\)\n +7 {2}user/m);
  expect((await window(snapshot.id, '--all')).out).toMatch(/^Messages, 26\n +1 {2}system/m);
});

it('window --summary puts below each line the message that its a#N stands for', async () => {
  const api = await start();
  const { session } = await harbour(api);
  const { window } = commandsOf(api);
  const { out } = await window(session.id, '--summary');
  expect(out).toMatch(/^#N is message N of snap_\w+\.\na#N is message N of snap_\w+\.\n/);
  expect(out).toMatch(
    /^ {2}\w+ a#2 Decision 0: berth 0 is for ship 0\..*\n(?: {4}[^←].*\n)* {4}← user: Decision 0: berth 0 is for ship 0\./m,
  );
  const { lines } = JSON.parse((await window(session.id, '--summary', '--json')).out);
  expect(lines.length).toBeGreaterThan(3);
  for (const { label, text, index, source } of lines) {
    expect(label).toContain(`#${index + 1}`);
    expect(source.text.replaceAll(/\s+/g, ' ')).toContain(text.split(' … ')[0].slice(0, 60).replace(/…$/, ''));
  }
});

it('window --summary says of which lines the snapshot is gone, and that there may be no summary', async () => {
  const api = await start();
  const { session, fork } = await harbour(api);
  const { window } = commandsOf(api);
  const first = /^a#N is message N of (snap_\w+)\.$/m.exec((await window(session.id, '--summary')).out)?.[1];
  await api.delete(`/v1/snapshots/${first}`);
  expect((await window(session.id, '--summary')).out).toMatch(
    /a#2 Decision 0.*\n(?: {4}[^←].*\n)* {4}← its snapshot is deleted/,
  );
  const none = await window(fork.id, '--summary');
  expect(none).toMatchObject({
    code: 1,
    out: '',
    err: 'kimi-emulator window: the window has no summary at this moment\n',
  });
});

it('window --dropped finds what a session once had', async () => {
  const api = await start();
  const { fork } = await harbour(api);
  const { window } = commandsOf(api);
  const { out } = await window(fork.id, '--dropped', 'berth ship 21');
  expect(out).toMatch(/^1 of \d+ messages that sess_\w+ has no longer\n +user +[\d,]+ {2}Decision 3: berth 3/);
});

it('diff shows what became of the messages of a snapshot in a session, of two sessions, and of the last cut', async () => {
  const api = await start();
  const { session, snapshot, fork } = await harbour(api);
  const { diff } = commandsOf(api);
  const { out } = await diff(snapshot.id, fork.id);
  expect(out).toMatch(new RegExp(`^- ${snapshot.id}\n\\+ ${fork.id}\n`));
  const totals =
    /kept (\d+) \([\d,]+ tokens\) · cut (\d+) \([\d,]+ tokens\) · changed 0 \(0 tokens\) · added 1 \(27 tokens\)/;
  const [, kept, cut] = totals.exec(out.replaceAll(/\s+/g, ' ')) ?? [];
  expect(Number(kept) + Number(cut), out).toBe(26);
  expect(out).toMatch(
    /^- cut \d+ messages, [\d,]+ tokens, from place 2\n +2 {2}user +\d+ {2}Decision 0: .*\n(?:.*\n){4} +… \d+ more \(--all\)$/m,
  );
  expect(out).toMatch(/^\+ added 1 message, 27 tokens, from place \d+\n +\d+ {2}user +27 {2} a a a/m);
  expect((await diff(snapshot.id, fork.id, '--all')).out).not.toContain(' more (--all)');
  expect((await diff(snapshot.id, snapshot.id)).out).toMatch(/^ {2}kept 26 messages/m);
  expect((await diff(session.id, fork.id)).out).toMatch(/^- cut 1 message, .*\n +2 {2}system +[\d,]+ {2}\[summary\]/m);
  const last = await diff(fork.id);
  expect(last.out).toMatch(new RegExp(`^- ${fork.id} before truncate, request #\\d+\n\\+ after it\n`));
  expect(last.out).toMatch(new RegExp(`cut ${cut} \\(`));
  expect(JSON.parse((await diff(fork.id, '--json')).out).totals.cut.count).toBe(Number(cut));
});

it('an id may be shortened; what it may mean instead is said in one line', async () => {
  const api = await start();
  const { session, snapshot } = await harbour(api);
  const { window, diff, sessions } = commandsOf(api);
  for (const id of [session.id.slice(0, 14), session.id.slice(5, 14), `${session.id.slice(5, 14)}…`])
    expect((await window(id)).out).toContain(session.id);
  const mistyped = `${session.id.slice(0, -1)}x`;
  const plain = await createSession(api);
  const failures: [Promise<{ code: number; err: string; out: string }>, number, string | RegExp][] = [
    [window(mistyped), 1, `no session or snapshot ${mistyped}; did you mean ${session.id}?`],
    [
      diff(session.id, 'nothing\u202e'),
      1,
      /^no session or snapshot nothing\\u\{202e\}; there are 3 sessions and 3 snapshots/,
    ],
    [window('sess_'), 1, /^sess_ is the beginning of several: sess_\w+, sess_\w+, sess_\w+$/],
    [diff(plain.id), 1, new RegExp(`^${plain.id} was not cut or compressed`)],
    [diff(snapshot.id), 1, new RegExp(`^${snapshot.id} was not cut or compressed`)],
    [window(), 2, /^takes the id of one session or snapshot \(see --help\)$/],
    [diff(), 2, /^takes two sessions or snapshots, or one session/],
    [sessions('x'), 2, /^takes no argument: x/],
    [window(session.id, '--dropped', ' '), 2, /^--dropped takes words to look for/],
    [window(session.id, '--sumary'), 2, /did you mean --summary\?/],
    [
      runHere(runSessionsCommand, ['--url', 'http://127.0.0.1:1']),
      3,
      /^no emulator answers at http:\/\/127\.0\.0\.1:1: /,
    ],
  ];
  for (const [failing, code, says] of failures) {
    const failed = await failing;
    expect({ code: failed.code, out: failed.out }).toEqual({ code, out: '' });
    const said = failed.err.replace(/^kimi-emulator \w+: /, '').trimEnd();
    if (typeof says === 'string') expect(said).toBe(says);
    else expect(said).toMatch(says);
    expect(said).not.toContain('\n');
  }
});

it('on a terminal every line fits, and nothing of a transcript acts', async () => {
  const api = await start();
  const hostile = await createSession(api, { title: '\u202eevil\u001b[2J 査査査 '.repeat(8) });
  await hostile.append({ role: 'user', content: '査\u202e\u001b]0;x\u0007\r\n'.repeat(200), pinned: true });
  await hostile.append(sized(300));
  await hostile.truncate(1_400);
  const { session, snapshot, fork } = await harbour(api);
  for (const terminal of [80, 120]) {
    const { sessions, window, diff } = commandsOf(api, { terminal, env: { NO_COLOR: '1' } });
    const shown = await Promise.all([
      sessions(),
      window(hostile.id),
      window(session.id, '--summary'),
      window(session.id),
      diff(snapshot.id, hostile.id),
      diff(snapshot.id, fork.id, '--all'),
    ]);
    for (const { out, err } of shown) {
      expect(err).toBe('');
      for (const line of out.split('\n')) expect(columns(line), line).toBeLessThanOrEqual(terminal);
      expect(['\u001b', '\u202e', '\u0007', '\r'].filter((character) => out.includes(character))).toEqual([]);
    }
  }
  const coloured = await commandsOf(api, { terminal: 80 }).sessions();
  expect(coloured.out).toContain('\u001b[');
});
