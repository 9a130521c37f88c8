import { describe, expect, it } from 'vitest';
import { type KimiClient, RollingSession, type RollingSessionErrorCode } from '../../client/index.ts';
import type { RollingOptions, TurnOptions } from '../../client/rolling/context.ts';
import type { ScriptRule } from '../../emulator/index.ts';
import { type Bench, clientOf, collect, MemoryCheckpoint, noSleep, SMALL, startBench } from './support.ts';
import { reset, through } from './support-faults.ts';

const TOOL = { type: 'function' as const, function: { name: 'find', parameters: { type: 'object' } } };
const RULES: ScriptRule[] = [
  {
    when: { text: /find (\w+) and (\w+)/ },
    reply: {
      tool_calls: [
        { name: 'find', arguments: { id: '$1' } },
        { name: 'find', arguments: { id: '$2' } },
      ],
    },
  },
  { when: { text: /find (\w+)/ }, reply: { tool_calls: [{ name: 'find', arguments: { id: '$1' } }] } },
  { when: { tool: { content: /(.+)/ } }, reply: 'It says $1.' },
  { when: { role: 'user' }, reply: 'Fine.' },
];

async function start() {
  const bench = await startBench();
  await bench.api.emulator.script(RULES);
  const checkpoint = new MemoryCheckpoint();
  const open = (options: RollingOptions = {}, client: KimiClient = bench.client) =>
    RollingSession.open(client, {
      ...SMALL,
      maxTokens: 120,
      sleep: noSleep,
      retries: 0,
      tools: [TOOL],
      checkpoint,
      ...options,
    });
  return { bench, checkpoint, open };
}

const idsOf = (agent: RollingSession): string[] => agent.openCalls.map(({ id }) => id);
const resultOf = (tool_call_id: string, content: string) => ({ tool_call_id, content });

/** Roles and texts of all that the session holds; a call as the id that it asks for. */
async function told(agent: RollingSession): Promise<string[]> {
  return (await collect(agent.history())).map(({ role, content, tool_calls }) =>
    [role, ...(tool_calls ?? []).map((call) => call.function.arguments), content].filter(Boolean).join(' '),
  );
}

const errorOf = async (work: Promise<unknown>): Promise<RollingSessionErrorCode | undefined> =>
  ((await work.catch((error: { code?: RollingSessionErrorCode }) => error)) as { code?: RollingSessionErrorCode }).code;

describe('openCalls and answer()', () => {
  it('names the calls of the last turn until their results are given, in any order', async () => {
    const { open } = await start();
    const agent = await open();
    expect(agent.openCalls).toEqual([]);
    const { toolCalls } = await agent.complete('find a and b');
    expect(toolCalls).toMatchObject(agent.openCalls);
    expect(agent.openCalls).toHaveLength(2);
    const [first = '', second = ''] = idsOf(agent);
    const turn = await agent.answer([resultOf(second, 'two'), resultOf(first, 'one')]);
    expect(turn.text).toMatch(/^It says (?:one|two)\.$/);
    expect(agent.openCalls).toEqual([]);
    expect(agent.turns).toBe(2);
  });

  it('names the calls of a round that follows a round', async () => {
    const { open } = await start();
    const agent = await open();
    await agent.complete('find a');
    const [first = ''] = idsOf(agent);
    await agent.complete([
      { role: 'tool', tool_call_id: first, content: 'one' },
      { role: 'user', content: 'find b' },
    ]);
    const [second = ''] = idsOf(agent);
    expect(agent.openCalls).toMatchObject([{ function: { arguments: '{"id": "b"}' } }]);
    expect((await agent.answer([resultOf(second, 'two')])).text).toBe('It says two.');
  });

  it('refuses, before anything is sent, a result too few, one for no open call, and a text in its place', async () => {
    const { bench, open } = await start();
    const agent = await open();
    expect(await errorOf(agent.answer([resultOf('x', 'one')]))).toBe('no_open_calls');
    await agent.complete('find a and b');
    const [first = '', second = ''] = idsOf(agent);
    const requests = () => bench.api.emulator.journal.entries({ operation: 'createChatCompletion' }).length;
    const before = requests();
    const few = agent.answer([resultOf(first, 'one')]);
    await expect(few).rejects.toThrow(
      `wait for their results: give all of them to answer(), or chat with abandonOpenCalls: 'error result'. (find (${second}))`,
    );
    expect(await errorOf(agent.answer([]))).toBe('open_calls');
    expect(await errorOf(agent.answer([resultOf(first, 'a'), resultOf(second, 'b'), resultOf('z', 'c')]))).toBe(
      'no_open_calls',
    );
    expect(await errorOf(agent.complete('something else'))).toBe('open_calls');
    expect(requests()).toBe(before);
    expect(agent.pending).toBe(false);
    await agent.answer([resultOf(first, 'one'), resultOf(second, 'two')]);
    expect(requests()).toBe(before + 1);
  });

  it('are not there after a rollback, nor after an answer that was cut off in its calls', async () => {
    const { open } = await start();
    const agent = await open();
    while (agent.snapshots.length === 0) await agent.complete('words '.repeat(100));
    await agent.complete('find a');
    expect(agent.openCalls).toHaveLength(1);
    await agent.rollback(1);
    expect(agent.openCalls).toEqual([]);
    expect((await agent.complete('hello')).text).toBe('Fine.');
    const cut = await agent.complete('find a and b', { params: { max_completion_tokens: 40 } });
    expect(cut.finishReason).toBe('length');
    expect(agent.openCalls).toEqual([]);
    expect((await agent.complete('hello')).text).toBe('Fine.');
  });
});

describe('results that go in several writes, of which the first is given up behind', () => {
  it.each(['resume()', 'another process'])('are known as given where they were written, after %s', async (how) => {
    const { bench, open } = await start();
    const agent = await open();
    await agent.complete('find a and b');
    const abort = new AbortController();
    agent.events.on('window', () => abort.abort());
    const results = idsOf(agent).map((id) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: 'long '.repeat(120),
    }));
    const text = { role: 'user' as const, content: 'more '.repeat(150) };
    await expect(agent.complete([...results, text], { signal: abort.signal })).rejects.toThrow('aborted');
    const next = how === 'resume()' ? agent : await open();
    await next.resume();
    const written = (await collect(next.history())).filter(({ role }) => role === 'tool').length;
    expect(written).toBeGreaterThan(0);
    expect(next.openCalls).toHaveLength(2 - written);
    const left = idsOf(next).map((id) => resultOf(id, 'two'));
    if (left.length > 0) await next.answer(left);
    expect((await next.complete('hello')).text).toBe('Fine.');
    expect(bench.api.emulator.journal.entries({ status: '4xx' }).map(({ status }) => status)).not.toContain(400);
  });
});

it('results of which nobody heard whether they were written are looked for in the session', async () => {
  const { bench, open } = await start();
  await (await open()).complete('find a');
  const abort = new AbortController();
  const fetch = through(bench.api.fetch, async ({ method, path, send }) => {
    const response = await send();
    if (method !== 'POST' || !path.endsWith('/messages')) return response;
    await response.text();
    abort.abort();
    return reset();
  });
  const agent = await open({}, clientOf(bench.api, { fetch }));
  const results = idsOf(agent).map((id) => ({ role: 'tool' as const, tool_call_id: id, content: 'x' }));
  const texts = ['one', 'two'].map((word) => ({ role: 'user' as const, content: `${word} `.repeat(150) }));
  await expect(agent.complete([...results, ...texts], { signal: abort.signal })).rejects.toThrow('aborted');
  const next = await open();
  await next.resume();
  expect((await told(next)).filter((line) => line.startsWith('tool'))).toEqual(['tool x']);
  expect(next.openCalls).toEqual([]);
  expect((await next.complete('hello')).text).toBe('Fine.');
});

describe('a text while calls are open', () => {
  it.each<[string, RollingOptions, TurnOptions]>([
    ['the turn', {}, { abandonOpenCalls: 'error result' }],
    ['open()', { abandonOpenCalls: 'error result' }, {}],
  ])('goes on behind error results where %s says so', async (_, opening, turn) => {
    const { open } = await start();
    const agent = await open(opening);
    await agent.complete('find a and b');
    expect((await agent.complete('hello', turn)).text).toBe('Fine.');
    expect(agent.openCalls).toEqual([]);
    const abandoned = 'tool {"error":"This call was abandoned before it returned a result."}';
    expect(await told(agent)).toEqual([
      'user find a and b',
      'assistant {"id": "a"} {"id": "b"}',
      abandoned,
      abandoned,
      'user hello',
      'assistant Fine.',
    ]);
  });

  it('keeps the results that are given, and errors stand for the others only', async () => {
    const { open } = await start();
    const agent = await open({ abandonOpenCalls: 'error result' });
    await agent.complete('find a and b');
    const [, second = ''] = idsOf(agent);
    await agent.answer([resultOf(second, 'two')]);
    const results = (await collect(agent.history())).filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => String(content).slice(0, 8))).toEqual(['two', '{"error"']);
  });

  it('is refused with the option and what it takes where that is something else', async () => {
    const { open } = await start();
    await expect(open({ abandonOpenCalls: 'drop' as 'error result' })).rejects.toThrow(
      "abandonOpenCalls (drop) must be 'error result', or left out",
    );
  });
});

/** A client whose answers to chats are lost on the way. */
function losing(bench: Bench): KimiClient {
  const fetch = through(bench.api.fetch, async ({ path, send }) => {
    const response = await send();
    if (!path.includes('chat')) return response;
    await response.text();
    return reset();
  });
  return clientOf(bench.api, { fetch });
}

describe('after a crash', () => {
  it('the calls are in the checkpoint', async () => {
    const { open } = await start();
    const { openCalls } = await (async () => {
      const gone = await open();
      await gone.complete('find a and b');
      return gone;
    })();
    const agent = await open();
    expect(agent.openCalls).toEqual(openCalls);
    expect((await agent.answer(openCalls.map(({ id }) => resultOf(id, 'x')))).text).toBe('It says x.');
  });

  it('they are known once the turn that made them is finished by resume()', async () => {
    const { bench, open } = await start();
    const lost = await open({}, losing(bench));
    await expect(lost.complete('find a')).rejects.toThrow('Connection error');
    const agent = await open();
    expect([agent.pending, agent.openCalls]).toEqual([true, []]);
    await agent.resume();
    expect(idsOf(agent)).toHaveLength(1);
    expect((await agent.answer(idsOf(agent).map((id) => resultOf(id, 'x')))).text).toBe('It says x.');
  });

  it('results that were sent are not asked for again: the same ones continue the turn, and resume() finishes it', async () => {
    for (const how of ['the same results', 'resume()'] as const) {
      const { bench, open } = await start();
      const first = await open();
      await first.complete('find a');
      const results = idsOf(first).map((id) => resultOf(id, 'x'));
      const lost = await open({}, losing(bench));
      await expect(lost.answer(results)).rejects.toThrow('Connection error');
      const agent = await open();
      expect(agent.openCalls).toEqual([]);
      if (how === 'resume()') {
        await agent.resume();
        expect(await errorOf(agent.answer(results))).toBe('no_open_calls');
      } else expect((await agent.answer(results)).text).toBe('It says x.');
      expect(agent.openCalls).toEqual([]);
      expect((await told(agent)).filter((line) => line.startsWith('tool'))).toEqual(['tool x']);
    }
  });

  it('a text with abandonOpenCalls continues the same turn, whose errors were sent with it', async () => {
    const { bench, open } = await start();
    await (await open()).complete('find a');
    const lost = await open({}, losing(bench));
    const options = { abandonOpenCalls: 'error result' as const };
    await expect(lost.complete('hello', options)).rejects.toThrow('Connection error');
    const agent = await open();
    expect((await agent.complete('hello', options)).text).toBe('Fine.');
    expect((await told(agent)).map((line) => line.split(' ')[0])).toEqual([
      'user',
      'assistant',
      'tool',
      'user',
      'assistant',
    ]);
  });

  it('they are read from the server where the checkpoint does not know them: another writer, or an older release', async () => {
    const { checkpoint, open } = await start();
    const agent = await open();
    await agent.complete('find a and b');
    const calls = agent.openCalls;
    const { calls: _, ...older } = JSON.parse(checkpoint.text ?? '');
    checkpoint.text = JSON.stringify(older);
    expect((await open()).openCalls).toEqual(calls);
    const other = await open({ checkpoint: new MemoryCheckpoint(), sessionId: agent.sessionId });
    expect(other.openCalls).toEqual(calls);
    await other.answer(calls.map(({ id }) => resultOf(id, 'x')));
    expect((await open()).openCalls).toEqual([]);
  });
});
