import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { createGateway } from '../../emulator/index.ts';
import { run } from '../cli/server-process.ts';
import { Api } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';
import { exchangesOf, newTape, startRecording, startReplay } from './taped.ts';

const chat = (api: Api, text: string) =>
  api.post<{ id: string }>('/v1/chat/completions', {
    model: 'kimi-k3',
    messages: [{ role: 'user', content: `Reply with only ${text}` }],
  });

const askedIn = (path: string): string[] =>
  exchangesOf(path).map(({ request }) => request.chat.messages[0].content.replace(/.* /, ''));

/** What lies beside a tape that nobody writes any more. */
const besides = (path: string): string[] => readdirSync(dirname(path)).filter((name) => !path.endsWith(name));

it('a gateway that records goes on in the tape that a prune left', async () => {
  const path = newTape();
  const { api } = await startRecording('in process', path);
  for (const text of ['ONE', 'TWO', 'ONE']) await chat(api, text);
  expect((await run(['tape', 'prune', path])).stdout).toBe(`tape ${path}: 2 of 3 exchanges left\n`);
  for (const text of ['THREE', 'ONE']) await chat(api, text);
  expect(askedIn(path)).toEqual(['TWO', 'ONE', 'THREE', 'ONE']);
  await run(['tape', 'prune', path]);
  await chat(api, 'FOUR');
  expect(askedIn(path)).toEqual(['TWO', 'THREE', 'ONE', 'FOUR']);
  expect(besides(path)).toEqual([]);
  const replay = await startReplay('in process', path);
  for (const text of ['ONE', 'TWO', 'THREE', 'FOUR']) expect((await chat(replay, text)).status).toBe(200);
});

it('prunes lose and repeat nothing that two gateways record at the same time', async () => {
  const path = newTape();
  const recorders = [await startRecording('in process', path), await startRecording('in process', path)];
  let isOver = false;
  let prunes = 0;
  const pruning = (async () => {
    for (; !isOver || prunes === 0; prunes += 1) expect((await run(['tape', 'prune', path])).code).toBe(0);
  })();
  const recorded: string[] = [];
  for (let n = 0; prunes < 4; n += 1) {
    const texts = recorders.map((_, which) => `${which}-${n}`);
    const replies = await Promise.all(recorders.map(({ api }, which) => chat(api, texts[which] ?? '')));
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    recorded.push(...texts);
  }
  isOver = true;
  await pruning;
  expect(askedIn(path).toSorted()).toEqual(recorded.toSorted());
});

it('a tape that was deleted is begun anew', async () => {
  const path = newTape();
  const { api } = await startRecording('in process', path, { redact: ['berth-\\d+'] });
  await chat(api, 'ONE');
  rmSync(path);
  await chat(api, 'TWO');
  expect(askedIn(path)).toEqual(['TWO']);
  const replay = await startReplay('in process', path, { redact: ['berth-\\d+'] });
  expect((await chat(replay, 'TWO')).status).toBe(200);
});

it('what stands in the place of a tape and is none is not written to, and nothing further is asked', async () => {
  const path = newTape();
  const { api } = await startRecording('in process', path);
  await chat(api, 'ONE');
  const other = `${path}.other`;
  writeFileSync(other, 'a diary\n');
  renameSync(other, path);
  expect((await chat(api, 'TWO')).status).toBe(200);
  const { status, text } = await chat(api, 'THREE');
  expect([status, text]).toEqual([502, expect.stringContaining('line 1 is not the first line of a tape')]);
});

it('a replay that records what is missing keeps its place among equal requests', async () => {
  const path = newTape();
  const { api, stop, upstream } = await startRecording('in process', path);
  const ids: string[] = [];
  for (let time = 0; time < 3; time += 1) ids.push((await chat(api, 'ONE')).body.id);
  const options = { tokenizer: O200K, replay: path, recordMisses: true, upstream: upstream.baseURL };
  const gateway = createGateway(options);
  const replay = new Api(gateway, 'in process');
  expect((await chat(replay, 'ONE')).body.id).toBe(ids[0]);
  expect((await chat(replay, 'ONE')).body.id).toBe(ids[1]);
  await run(['tape', 'prune', path, '--keep-last', '2']);
  await chat(replay, 'TWO');
  expect((await chat(replay, 'ONE')).body.id).toBe(ids[2]);
  await gateway.close();
  await stop();
});

it('a lock that a kill left behind holds nobody up', async () => {
  const path = newTape();
  const { api } = await startRecording('in process', path);
  // No process has such a number.
  writeFileSync(`${path}.lock`, `${hostname()} ${2 ** 30} left`);
  await chat(api, 'ONE');
  expect(askedIn(path)).toEqual(['ONE']);
  expect(existsSync(`${path}.lock`)).toBe(false);
});
