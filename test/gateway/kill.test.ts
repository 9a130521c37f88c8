import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ServerProcess } from '../cli/server-process.ts';
import { temporaryFolder } from '../store/files.ts';
import { slice } from '../support/slice.ts';
import { serve } from './gateway.ts';

const HEADERS = { Authorization: 'Bearer sk-a', 'Content-Type': 'application/json' };
const MOMENTS = ['asked', 'begun', 'answered'] as const;
/** A third of them at each commit. */
const ROUNDS = slice([...Array(12).keys()], 3);
const MOST_TICKS = 2_000;

it('a gateway killed at any step of a turn never asks again for one that was committed, and says what it lost', async () => {
  const calls = new Map<string, number>();
  let reached: (moment: (typeof MOMENTS)[number]) => void = () => undefined;
  const upstream = await serve((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      const { content } = JSON.parse(text).messages.at(-1);
      calls.set(content, (calls.get(content) ?? 0) + 1);
      reached('asked');
      const chunk = (choice: object) =>
        `data: ${JSON.stringify({ id: 'c1', model: 'kimi-k3', choices: [choice] })}\n\n`;
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(chunk({ index: 0, delta: { content: 'Yes.' } }), () => reached('begun'));
      response.end(`${chunk({ index: 0, delta: {}, finish_reason: 'stop' })}data: [DONE]\n\n`, () =>
        reached('answered'),
      );
    });
  });
  const args = ['gateway', '--upstream', upstream, '--db', join(temporaryFolder(), 'state.db')];
  let { server, ready } = await ServerProcess.listening(args);
  const post = (path: string, body: object, headers = {}) =>
    fetch(ready.base_url + path, { method: 'POST', headers: { ...HEADERS, ...headers }, body: JSON.stringify(body) });
  const get = async (path: string) =>
    (await fetch(ready.base_url.replace('/v1', '') + path, { headers: HEADERS })).json();
  const created = (await (await post('/sessions', { model: 'kimi-k3' })).json()) as { id: string };
  const window = async () => {
    const { data } = (await get(`/v1/sessions/${created.id}/messages?limit=100`)) as { data: { content: string }[] };
    return data.map(({ content }) => content);
  };
  for (const round of ROUNDS) {
    const content = `round ${round}`;
    const turn = { model: 'kimi-k3', session_id: created.id, stream: true, messages: [{ role: 'user', content }] };
    const key = { 'Idempotency-Key': content };
    const moment = MOMENTS[round % MOMENTS.length];
    const killed = new Promise<void>((resolve) => {
      reached = (seen) => {
        if (seen !== moment) return;
        reached = () => undefined;
        void afterTicks(Math.random() * MOST_TICKS).then(() => server.signal('SIGKILL').then(() => resolve()));
      };
    });
    await post('/chat/completions', turn, key)
      .then((response) => response.text())
      .catch(() => undefined);
    await killed;
    ({ server, ready } = await ServerProcess.listening(args));
    const wasCommitted = (await window()).includes(content);
    expect(calls.get(content)).toBe(1);
    const retry = await post('/chat/completions', turn, key);
    expect(await retry.text()).toContain('"session":');
    expect(calls.get(content), `killed once it was ${moment}`).toBe(wasCommitted ? 1 : 2);
    expect((await window()).filter((text) => text === content)).toHaveLength(1);
    const { entries } = (await get('/_emulator/journal')) as { entries: { facts: { upstream?: object } }[] };
    const lost = entries.filter(({ facts }) => facts.upstream !== undefined).map(({ facts }) => facts.upstream);
    expect(lost).toEqual(wasCommitted ? [] : [{ lost_before: true }]);
  }
  expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
});

async function afterTicks(ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick += 1) await setImmediate();
}
