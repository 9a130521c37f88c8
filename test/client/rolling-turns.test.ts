import { describe, expect, it } from 'vitest';
import { isSessionError, RollingSession } from '../../client/index.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { collect, noSleep, SMALL, startBench, transcript } from './support.ts';

const BASE = { ...SMALL, sleep: noSleep };
const PARAGRAPHS = Array.from({ length: 24 }, (_, index) => `Paragraph ${index}. ${'It goes on and on. '.repeat(12)}`);
const BASE64 = Array.from({ length: 40 }, (_, index) => btoa(String(Math.sin(index)) + index)).join('');

async function open(options: object = {}, emulator: object = {}) {
  const bench = await startBench('in process', emulator);
  return { ...bench, agent: await RollingSession.open(bench.client, { ...BASE, ...options }) };
}

describe('a turn longer than one write', () => {
  it('is one turn in several writes, and fits though the window was nearly full', async () => {
    const { agent, client, model } = await open();
    await agent.complete('fill '.repeat(100));
    const input = PARAGRAPHS.slice(0, 6).join('\n\n');
    const { text } = await agent.complete(input);
    expect(text).toContain('Answer to');
    expect(agent.turns).toBe(2);
    expect(model.asked).toHaveLength(2);
    const told = (await collect(agent.history())).filter(({ role }) => role === 'user').slice(1);
    expect(told.length).toBeGreaterThan(2);
    expect(told.map(({ content }) => content).join('')).toBe(input);
    expect(told.every(({ tokens }) => tokens <= 200)).toBe(true);
    expect(agent.tokens).toBeLessThanOrEqual(1_200);
    expect(await collect(client.sessions.snapshot.list())).toHaveLength(agent.snapshots.length);
  });

  it('is split again where the server counts more than expected', async () => {
    const { agent } = await open();
    await agent.complete(`${BASE64.slice(0, 560)}`);
    const told = (await collect(agent.history())).filter(({ role }) => role === 'user');
    expect(told.length).toBeGreaterThan(1);
    expect(told.map(({ content }) => content).join('')).toBe(BASE64.slice(0, 560));
  });
});

describe('a document', () => {
  it.each(['text', 'generator', 'stream'])(
    'of any size is appended as %s, the window rolling on the way',
    async (kind) => {
      const { agent } = await open();
      const text = PARAGRAPHS.join('\n\n');
      async function* parts() {
        for (const paragraph of PARAGRAPHS) yield paragraph === PARAGRAPHS[0] ? paragraph : `\n\n${paragraph}`;
      }
      const source = kind === 'text' ? text : kind === 'stream' ? new Blob([text]).stream() : parts();
      const windows: number[] = [];
      agent.events.on('window', ({ tokens }) => windows.push(tokens));
      expect(await agent.append(source, { id: 'book' })).toEqual({ chars: text.length });
      expect(await agent.append(text, { id: 'book' })).toEqual({ chars: 0 });
      expect(Math.max(...windows)).toBeLessThanOrEqual(1_200);
      expect((await collect(agent.history())).map(({ content }) => content).join('')).toBe(text);
      expect(agent.snapshots.length).toBeGreaterThan(1);
    },
  );
});

describe('a document whose appending is aborted', () => {
  it('is appended to its end by the next call, no piece lost or doubled', async () => {
    const { agent } = await open();
    const text = PARAGRAPHS.join('\n\n');
    const abort = new AbortController();
    agent.events.on('window', ({ tokens }) => tokens > 400 && abort.abort());
    await expect(agent.append(text, { id: 'book', signal: abort.signal })).rejects.toThrow('aborted');
    await agent.append(text, { id: 'book' });
    expect((await collect(agent.history())).map(({ content }) => content).join('')).toBe(text);
  });
});

describe('a tool result too large for one write', () => {
  const CALLS: InputMessage[] = [
    { role: 'user', content: 'Read both files.' },
    {
      role: 'assistant',
      content: null,
      tool_calls: ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'read_file', arguments: '{}' } })),
    },
  ];
  const RESULTS: InputMessage[] = [
    { role: 'tool', tool_call_id: 'a', content: 'small' },
    { role: 'tool', tool_call_id: 'b', content: `BEGIN ${'line of a large file\n'.repeat(100)}END` },
  ];

  it('is refused before anything of the turn is written', async () => {
    const { agent, client } = await open();
    await client.sessions.append(agent.sessionId, { messages: CALLS });
    const error = await agent.complete(RESULTS).catch((reason: unknown) => reason);
    expect(isSessionError(error, 'append_too_large')).toBe(true);
    expect(agent.pending).toBe(false);
    expect(await collect(client.sessions.messages(agent.sessionId))).toHaveLength(CALLS.length);
  });

  it('is clipped to head and tail where that is asked for', async () => {
    const { agent, client } = await open({ toolResults: 'clip' });
    await client.sessions.append(agent.sessionId, { messages: CALLS });
    await agent.complete(RESULTS);
    const stored = (await collect(client.sessions.messages(agent.sessionId))).find(
      (message) => message.tool_call_id === 'b',
    );
    expect(stored?.content).toMatch(
      /^BEGIN [\s\S]*\n\[\.\.\. \d+ characters left out, too large for one write \.\.\.\]\n[\s\S]*END$/,
    );
    expect(stored?.tokens).toBeGreaterThan(120);
  });
});

it('a tool result is counted with the name of its call, which kimi-k3 writes into it', async () => {
  const { agent, client } = await open({ toolResults: 'clip', model: 'kimi-k3' });
  const name = `read_${Array.from({ length: 40 }, (_, place) => `part${place % 10}`).join('_')}`;
  const call = { id: `${name}_0`, type: 'function' as const, function: { name, arguments: '{}' } };
  const asking: InputMessage[] = [
    { role: 'user', content: 'Read it.' },
    { role: 'assistant', content: '', tool_calls: [call], reasoning_content: '' },
  ];
  const small: InputMessage = { role: 'tool', tool_call_id: call.id, content: ' a'.repeat(150) };
  await client.sessions.append(agent.sessionId, { messages: asking });
  await agent.complete([small]);
  const stored = (await collect(client.sessions.messages(agent.sessionId))).find(({ role }) => role === 'tool');
  expect(stored?.content).toContain('characters left out');
  expect(stored?.tokens).toBeLessThanOrEqual(200);
});

describe('a window that cannot be made smaller', () => {
  it('takes what its pins take where that is more than preserveLen', async () => {
    const { agent, client } = await open({ instructions: 'Be exact. '.repeat(60) });
    for (let pin = 0; pin < 2; pin += 1)
      await client.sessions.append(agent.sessionId, { role: 'user', content: 'pinned '.repeat(150), pinned: true });
    for (let turn = 0; turn < 20; turn += 1) await agent.complete(`turn ${turn} ${'and so on '.repeat(10)}`);
    expect(agent.turns).toBe(20);
  });

  it('stops with a clear error after two cuts in a row that gain next to nothing', async () => {
    const policy = () => [{ kind: 'truncate', preserve_len: 925 } as const];
    const { agent } = await open({ maxKeep: 1_100, policy });
    const failure = await (async () => {
      for (let turn = 0; turn < 60; turn += 1) await agent.complete(`turn ${turn}`);
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'RollingSessionError', code: 'not_shrinking' });
    expect(agent.snapshots).toHaveLength(2);
    expect(transcript(await collect(agent.history())).filter((line) => line.startsWith('assistant'))).toHaveLength(
      agent.turns,
    );
  });
});
