import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { createGateway } from '../../emulator/index.ts';
import { run, ServerProcess } from '../cli/server-process.ts';
import { serve } from '../gateway/gateway.ts';
import { temporaryFolder } from '../store/files.ts';
import type { Api } from '../support/emulator.ts';
import { exchangesOf, newTape, startRecording, startReplay } from './taped.ts';

const chat = (api: Api, text: string) =>
  api.post('/v1/chat/completions', {
    model: 'kimi-k3',
    messages: [{ role: 'user', content: `Reply with only ${text}` }],
  });

/** A tape of three exchanges: ONE, TWO and THREE. */
async function recordedTape(): Promise<string> {
  const path = newTape();
  const { api, stop } = await startRecording('in process', path);
  for (const text of ['ONE', 'TWO', 'THREE']) expect((await chat(api, text)).status).toBe(200);
  await stop();
  return path;
}

function open(replay: string): () => unknown {
  return () => createGateway({ replay });
}

function sealed(object: object): string {
  const text = JSON.stringify(object).slice(0, -1);
  return `${text},"hash":"${createHash('sha256').update(text).digest('hex')}"}\n`;
}

describe('a damaged tape', () => {
  it('is refused with the line and the reason where one character is another', async () => {
    const path = await recordedTape();
    const text = readFileSync(path, 'utf8');
    for (const [from, to, line] of [
      ['ONE', 'ICH', 2],
      ['THREE', 'DREI!', 4],
      ['"redactions":0', '"redactions":1', 1],
    ] as const) {
      writeFileSync(path, text.replace(from, to));
      expect(open(path)).toThrow(`tape ${path}: line ${line} is damaged: its hash is not that of its content`);
    }
    writeFileSync(path, text.split('\n').toSpliced(2, 1, '').join('\n'));
    expect(open(path)).toThrow(`tape ${path}: line 3 is damaged`);
    writeFileSync(path, text.replace('\n', `\n${sealed({ key: 'x' })}`));
    expect(open(path)).toThrow(`tape ${path}: line 2 is damaged: it is not an exchange`);
  });

  it('is refused where it is of a newer version, something else, empty or missing', async () => {
    const path = newTape();
    expect(open(path)).toThrow(`tape ${path}: ENOENT`);
    writeFileSync(path, '');
    expect(open(path)).toThrow(`tape ${path}: it is empty`);
    for (const text of ['{"format":"cassette"}\n', 'hello', 'hello\n', '\n']) {
      writeFileSync(path, text);
      expect(open(path)).toThrow(`tape ${path}: line 1 is not the first line of a tape`);
    }
    writeFileSync(path, sealed({ format: 'kimi-emulator tape', version: 2, more: true }));
    expect(open(path)).toThrow(`tape ${path}: it has version 2, and this kimi-emulator reads up to 1: update it`);
  });

  it('is answered without its last line where a kill has cut that off, and goes on behind it', async () => {
    const path = await recordedTape();
    // Lines hold times, so that the one that is recorded anew may be shorter.
    for (const leave of [() => 1, () => 40, (last: number) => Math.floor(last / 2), (last: number) => last - 2]) {
      const { size } = statSync(path);
      const last = size - readFileSync(path, 'utf8').trimEnd().lastIndexOf('\n') - 1;
      truncateSync(path, size - last + leave(last));
      const note = vi.spyOn(console, 'error').mockReturnValue();
      const replay = await startReplay('in process', path);
      expect(note.mock.calls).toEqual([
        [`kimi-emulator: tape ${path}: line 4 was cut off while it was written, and is left out`],
      ]);
      expect((await chat(replay, 'TWO')).status).toBe(200);
      expect((await chat(replay, 'THREE')).status).toBe(501);
      const { api, stop } = await startRecording('in process', path);
      await chat(api, 'THREE');
      await stop();
      note.mockRestore();
      expect(exchangesOf(path)).toHaveLength(3);
      expect(statSync(path).size).toBeGreaterThan(size - last);
      expect((await chat(await startReplay('in process', path), 'THREE')).status).toBe(200);
    }
  });

  it('is whole where only the last line end is missing, or all line ends are those of Windows', async () => {
    const path = await recordedTape();
    const text = readFileSync(path, 'utf8');
    for (const changed of [text.trimEnd(), text.replaceAll('\n', '\r\n')]) {
      writeFileSync(path, changed);
      expect((await chat(await startReplay('in process', path), 'THREE')).status).toBe(200);
      const { api, stop } = await startRecording('in process', path);
      await chat(api, 'FOUR');
      await stop();
      expect((await chat(await startReplay('in process', path), 'FOUR')).status).toBe(200);
    }
  });

  it('answers 502 where its file has been changed since it was opened', async () => {
    const path = await recordedTape();
    const replay = await startReplay('in process', path);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"TWO"', '"DUE"').replace('TWO', 'DUE'));
    expect((await chat(replay, 'ONE')).status).toBe(200);
    const { status, text } = await chat(replay, 'TWO');
    expect([status, text]).toEqual([502, expect.stringContaining('line 3 is damaged')]);
  });
});

describe('a tape whose gateway is killed', () => {
  it('loads with every exchange whose answer had come to its end', async () => {
    const upstream = await serve((request, response) => {
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(
        JSON.stringify({
          object: 'chat.completion',
          model: 'm',
          choices: [{ message: { content: 'x'.repeat(5_000) } }],
        }),
      );
    });
    const cwd = temporaryFolder();
    const path = `${cwd}/run.tape`;
    const flags = ['gateway', '--upstream', upstream, '--record', path, '--memory'];
    const { server, ready } = await ServerProcess.listening(flags, { cwd });
    const told: string[] = [];
    const ask = async (n: number): Promise<void> => {
      const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: `number ${n}` }] });
      const response = await fetch(`${ready.base_url}/chat/completions`, { method: 'POST', body });
      await response.text();
      told.push(`number ${n}`);
    };
    const asking = Array.from({ length: 8 }, async (_, lane) => {
      for (let n = lane; ; n += 8) await ask(n);
    });
    await Promise.race([Promise.allSettled(asking), expect.poll(() => told.length).toBeGreaterThan(50)]);
    await server.signal('SIGKILL');
    await Promise.allSettled(asking);
    const { code, stdout } = await run(['tape', 'check', path]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/\d+ exchanges, all whole/)]);
    const recorded = new Set(
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => /number \d+/.exec(line)?.[0]),
    );
    expect(told.filter((text) => !recorded.has(text))).toEqual([]);
  });

  it('is whole where its disk was full, and the gateway then asks nobody, as nothing would be recorded', async () => {
    let asked = 0;
    const upstream = await serve((request, response) => {
      asked += 1;
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ choices: [{ message: { content: 'x'.repeat(20_000) } }] }));
    });
    const path = newTape();
    const flags = ['gateway', '--upstream', upstream, '--record', path, '--memory'];
    const { server, ready } = await ServerProcess.listening(flags, { fileBlocks: 64 });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: `number ${n}` }] });
      const response = await fetch(`${ready.base_url}/chat/completions`, { method: 'POST', body });
      statuses.push(response.status);
      await response.text();
    }
    const { stderr } = await server.signal('SIGTERM');
    expect(stderr).toContain(`tape ${path}: it cannot be written`);
    const recorded = exchangesOf(path).length;
    expect(recorded).toBeGreaterThan(0);
    // The one that did not fit was answered all the same.
    expect(statuses).toEqual([...Array(recorded + 1).fill(200), ...Array(5 - recorded).fill(502)]);
    expect(asked).toBe(recorded + 1);
    expect((await run(['tape', 'check', path])).code).toBe(0);
  });

  it('is refused in one line by the command line where it is damaged', async () => {
    const path = newTape();
    writeFileSync(path, 'no tape\n');
    for (const command of [
      ['gateway', '--replay', path, '--port', '0'],
      ['tape', 'ls', path],
      ['tape', 'check', path],
    ]) {
      const { code, stderr } = await run([...command]);
      expect([code, stderr.trimEnd().split('\n')]).toEqual([
        1,
        [expect.stringContaining(`tape ${path}: line 1 is not the first line of a tape`)],
      ]);
    }
  });
});

it('lines of several recorders of one tape stand one behind the other', async () => {
  const path = newTape();
  const runs = await Promise.all([startRecording('in process', path), startRecording('in process', path)]);
  await Promise.all(runs.flatMap(({ api }, lane) => ['A', 'B', 'C'].map((text) => chat(api, `${text}${lane}`))));
  for (const { stop } of runs) await stop();
  const replay = await startReplay('in process', path);
  for (const text of ['A0', 'B0', 'C0', 'A1', 'B1', 'C1']) expect((await chat(replay, text)).status).toBe(200);
});
