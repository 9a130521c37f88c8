import { expect, test } from 'vitest';
import type {
  Diff,
  Dropped,
  Overview,
  RequestList,
  SessionLine,
  SummaryView,
  TextPart,
  Timeline,
  TurnList,
  WindowPage,
} from '../../emulator/inspector/answers.ts';
import { describeEach } from './inspecting.ts';

describeEach('the inspector', ({ start }) => {
  test('lists a session with its tokens by what they are for, and they add up to its window', async () => {
    const { inspect, post } = await start();
    const created = await post<{ id: string }>('/v1/sessions', {
      title: 'harbour',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Where is the ship?' },
      ],
    });
    const { data } = await inspect<{ data: SessionLine[] }>('/sessions');
    const [line] = data;
    expect(line).toMatchObject({ id: created.id, title: 'harbour', messages: 2, version: 1 });
    const { tools = 0, pins = 0, summary = 0, messages = 0, free = 0 } = line?.shares ?? {};
    expect(pins).toBeGreaterThan(0);
    expect(messages).toBeGreaterThan(0);
    expect(tools + pins + summary + messages + free).toBe(line?.window);
  });

  test('shows the window as it was before a cut, message by message', async () => {
    const { inspect, session, append, truncate } = await start();
    const id = await session();
    for (let count = 0; count < 6; count += 1) await append(id, `message ${count} ${'word '.repeat(60)}`);
    await truncate(id, 200);
    const { items } = await inspect<Timeline>(`/sessions/${id}`);
    expect(items.map(({ kind }) => kind)).toEqual(['created', ...Array(6).fill('append'), 'truncate']);
    const [before, cut] = items.slice(-2);
    expect(cut?.before).toBe(before?.tokens);
    expect(cut?.tokens).toBeLessThan(before?.tokens ?? 0);
    const then = await inspect<WindowPage>(`/sessions/${id}/window?at=${before?.at}&from=2&limit=2`);
    expect(then.items.map(({ text, index }) => [index, text.slice(0, 9)])).toEqual([
      [2, 'message 2'],
      [3, 'message 3'],
    ]);
    const now = await inspect<WindowPage>(`/sessions/${id}/window`);
    expect(now.messages).toBeLessThan(then.messages);
    expect(now.items.at(-1)?.text).toContain('message 5');
  });

  test('tells two moments apart: kept, cut, changed and added', async () => {
    const { inspect, session, append, truncate, post } = await start();
    const id = await session();
    for (let count = 0; count < 6; count += 1) await append(id, `message ${count} ${'word '.repeat(60)}`);
    const { items } = await inspect<WindowPage>(`/sessions/${id}/window`);
    await post(`/v1/sessions/${id}/messages/${items[5]?.id}`, { pinned: true });
    await truncate(id, 200);
    await append(id, 'a new one');
    const diff = await inspect<Diff>(`/sessions/${id}/diff?a=7&b=now`);
    expect(diff.totals).toMatchObject({ changed: { count: 1 }, added: { count: 1 } });
    expect(diff.totals.cut.count + diff.totals.kept.count + 1).toBe(6);
    expect(diff.runs[0]).toMatchObject({ what: 'cut', index: 0 });
    expect(diff.runs.at(-1)).toMatchObject({ what: 'added', count: 1 });
  });

  test('finds by its words what was cut, and not what still stands', async () => {
    const { inspect, session, append, truncate } = await start();
    const id = await session();
    for (let count = 0; count < 6; count += 1) await append(id, `message ${count} ${'word '.repeat(60)}`);
    await truncate(id, 200);
    const found = await inspect<Dropped>(`/sessions/${id}/dropped?q=${encodeURIComponent('MESSAGE 1')}`);
    expect(found.items.map(({ text }) => text.slice(0, 9))).toEqual(['message 1']);
    expect((await inspect<Dropped>(`/sessions/${id}/dropped?q=${encodeURIComponent('message 5')}`)).items).toEqual([]);
  });

  test('shows the whole of a long message that was dropped', async () => {
    const { inspect, session, append, truncate } = await start();
    const id = await session();
    const long = `${'word '.repeat(180)}NEEDLE42`;
    await append(id, long);
    for (let count = 0; count < 6; count += 1) await append(id, `message ${count} ${'word '.repeat(60)}`);
    await truncate(id, 200);
    const [found] = (await inspect<Dropped>(`/sessions/${id}/dropped?q=NEEDLE42`)).items;
    expect(found?.text).not.toContain('NEEDLE42');
    const part = (field: string) => inspect<TextPart>(`/sessions/${id}/text?entry=${found?.entry}&field=${field}`);
    expect(await part('text')).toEqual({ text: long, length: long.length });
    expect(await part('__proto__')).toEqual({ text: '', length: 0 });
  });

  test('leads from each line of a summary to the message that it quotes, and counts what is left out', async () => {
    const { inspect, session, append, post } = await start();
    const id = await session();
    for (let count = 0; count < 12; count += 1) {
      await append(
        id,
        `The port of service ${count} is ${4000 + count}. It is a quiet evening by the harbour number ${count}.`,
      );
    }
    await post(`/v1/sessions/${id}/compress`, { ratio: 2 });
    const view = await inspect<SummaryView>(`/sessions/${id}/summary`);
    const ports: string[] = [];
    for (const { snapshot, index, text } of view.lines) {
      const page = await inspect<WindowPage>(`/sessions/${id}/window?at=${snapshot}&from=${index}&limit=1`);
      expect(page.items[0]?.text).toContain(text.replace(/…$/, ''));
      ports.push(/\b40\d\d\b/.exec(text)?.[0] ?? '');
    }
    // Each is of another message: the place that all would lead to is not enough.
    expect(new Set(ports).size).toBeGreaterThan(2);
    expect(view.pieces.length).toBeGreaterThan(0);
    for (const { text } of view.lines) expect(view.pieces.map((piece) => piece.text)).not.toContain(text);
    expect(view.dropped.reduce((sum, { kept }) => sum + kept, 0)).toBeGreaterThan(2);
    // The snapshot that a compress has taken stands before it.
    const kinds = (await inspect<Timeline>(`/sessions/${id}`)).items.map(({ kind }) => kind);
    expect(kinds.slice(-3)).toEqual(['append', 'snapshot', 'compress']);
    const count = view.dropped.reduce((sum, { dropped }) => sum + dropped, 0);
    expect(count).toBe(view.pieces.length);
    const evening = await inspect<SummaryView>(`/sessions/${id}/summary?q=evening`);
    expect(evening.pieces.length).toBeGreaterThan(0);
    for (const { text } of evening.pieces) expect(text).toContain('evening');
  });

  test('names the earlier request that led to a refusal, in the journal and on the time line', async () => {
    const { inspect, session, append, post, open } = await start();
    const id = await session();
    await append(id, 'hello');
    const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } };
    await post(`/v1/sessions/${id}/messages`, {
      messages: [
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: 'done' },
      ],
    });
    const again = { role: 'tool', tool_call_id: 'c1', content: '2' };
    expect((await open('POST', `/v1/sessions/${id}/messages`, again)).status).toBe(400);
    const { items } = await inspect<RequestList>('/requests');
    const [, , answered, refusal] = items;
    expect(refusal).toMatchObject({ status: 400, session: id, cause: answered?.n });
    expect(refusal?.hint).toContain(`request #${answered?.n}`);
    const line = await inspect<Timeline>(`/sessions/${id}`);
    expect(line.items.at(-1)).toMatchObject({ kind: 'refusal', request: refusal?.n });
    expect(line.items.at(-1)?.note).toContain(`request #${answered?.n}`);
  });

  test('says what each turn cost beside both stateless baselines', async () => {
    const { inspect, session, chat } = await start();
    const id = await session();
    for (let count = 0; count < 3; count += 1) await chat(id, `question ${count}: what is the code?`);
    const { turns } = await inspect<{ turns: { n: number; cost: number; stateless: { without_cache: number } }[] }>(
      `/spend?session=${id}`,
    );
    expect(turns).toHaveLength(3);
    for (const { cost, stateless } of turns) {
      expect(cost).toBeGreaterThan(0);
      expect(stateless.without_cache).toBeGreaterThan(0);
    }
    const [first, second, third] = turns;
    expect((await inspect<TurnList>(`/spend?session=${id}&since=${first?.n}`)).turns).toEqual([second, third]);
    expect((await inspect<TurnList>('/spend')).turns).toEqual(turns);
    expect((await inspect<TurnList>('/spend?session=sess_other')).turns).toEqual([]);
    await chat(await session(), 'elsewhere?');
    const { turns: all, first: oldest } = await inspect<TurnList>(`/spend?since=${third?.n}`);
    expect([oldest, all.map(({ n }) => n)]).toEqual([1, [4]]);
    const { data } = await inspect<{ data: SessionLine[] }>('/sessions');
    expect(data.find((line) => line.id === id)?.cost).toBeCloseTo(
      turns.reduce((sum, { cost }) => sum + cost, 0),
      9,
    );
  });

  test('keeps so many past windows as --history says, and none with 0', async () => {
    const { inspect, session, append } = await start({ history: 3 });
    const id = await session();
    for (let count = 0; count < 6; count += 1) await append(id, `message ${count}`);
    expect((await inspect<Timeline>(`/sessions/${id}`)).items.map(({ at }) => at)).toEqual(['5', '6', '7']);
    const none = await start({ history: 0 });
    const other = await none.session();
    await none.append(other, 'hello');
    expect((await none.inspect<Timeline>(`/sessions/${other}`)).items).toEqual([]);
    expect((await none.inspect<WindowPage>(`/sessions/${other}/window`)).messages).toBe(1);
  });

  test('shows the snapshots of an imported file as moments', async () => {
    const one = await start();
    const id = await one.session();
    await one.append(id, 'hello there');
    await one.post(`/v1/sessions/${id}/snapshots`, { name: 'before' });
    await one.append(id, 'and more');
    const two = await start();
    await two.emulator.state.import(await one.emulator.state.export());
    const { items } = await two.inspect<Timeline>(`/sessions/${id}`);
    expect(items).toMatchObject([{ kind: 'snapshot', note: 'before', messages: 1 }]);
    const page = await two.inspect<WindowPage>(`/sessions/${id}/window?at=${items[0]?.at}`);
    expect(page.items.map(({ text }) => text)).toEqual(['hello there']);
  });

  test('after a reset shows the past of no session', async () => {
    const { inspect, session, append, emulator } = await start();
    const kept = await session();
    emulator.state.saveBaseline();
    await append(kept, 'hello');
    emulator.state.reset();
    expect((await inspect<Timeline>(`/sessions/${kept}`)).items).toEqual([]);
    expect((await inspect<Overview>('')).sessions).toBe(1);
  });
});
