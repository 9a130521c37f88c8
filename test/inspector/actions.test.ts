import { expect, test } from 'vitest';
import type { LiveEvent, Overview, RequestList, Timeline, WindowPage } from '../../emulator/inspector/answers.ts';
import { describeEach } from './inspecting.ts';

describeEach('an action of the inspector', ({ start }) => {
  async function withSession() {
    const inspected = await start();
    const { token } = await inspected.inspect<Overview>('');
    const id = await inspected.session({ title: 'harbour' });
    for (let count = 0; count < 3; count += 1) await inspected.append(id, `message ${count}`);
    return { ...inspected, token, id };
  }

  test('forks a session from a past moment, and a client goes on there', async () => {
    const { act, token, id, chat, inspect } = await withSession();
    const forked = await act('fork', { session: id, at: '3' }, token);
    expect(forked.status).toBe(200);
    expect(forked.body).toMatchObject({ did: 'forked', title: 'fork of harbour', usage: { messages: 2 } });
    await chat(String(forked.body.id), 'What is said?');
    const page = await inspect<WindowPage>(`/sessions/${forked.body.id}/window`);
    expect(page.items.map(({ role }) => role)).toEqual(['user', 'user', 'user', 'assistant']);
    expect((await inspect<WindowPage>(`/sessions/${id}/window`)).messages).toBe(3);
  });

  test('rolls a session back to a past moment, and back again', async () => {
    const { act, token, id, inspect } = await withSession();
    const back = await act('rollback', { session: id, at: '2', version: 4 }, token);
    expect(back.body).toMatchObject({ did: 'rolled back', version: 5, usage: { messages: 1 } });
    const undone = await act('rollback', { session: id, at: '4', version: 5 }, token);
    expect(undone.body).toMatchObject({ version: 6, usage: { messages: 3 } });
    const { items } = await inspect<Timeline>(`/sessions/${id}`);
    expect(items.slice(-2).map(({ kind, messages }) => [kind, messages])).toEqual([
      ['rollback', 1],
      ['rollback', 3],
    ]);
  });

  test('undoes a change, and says on the time line what it returned to', async () => {
    const { act, token, id, inspect } = await withSession();
    const undone = await act('rollback', { session: id, at: '3', version: 4, undo: true }, token);
    expect(undone.body).toMatchObject({ did: 'undone', version: 5, usage: { messages: 2 } });
    const { items } = await inspect<Timeline>(`/sessions/${id}`);
    expect(items.at(-1)).toMatchObject({ kind: 'undo', restored: '3', messages: 2 });
  });

  test('rolls nothing back that was written since it was shown', async () => {
    const { act, token, id } = await withSession();
    expect((await act('rollback', { session: id, at: '2', version: 3 }, token)).status).toBe(409);
  });

  test('takes a snapshot, pins, sets a fault, removes it, and moves the clock', async () => {
    const { act, token, id, inspect, emulator } = await withSession();
    expect((await act('snapshot', { session: id, name: 'mine' }, token)).body).toMatchObject({ name: 'mine' });
    const { items } = await inspect<WindowPage>(`/sessions/${id}/window`);
    const pinned = await act('pin', { session: id, message: items[0]?.id, pinned: true }, token);
    expect(pinned.body).toMatchObject({ pinned: true, did: 'pinned' });
    const fault = await act('fault', { effect: 'error', code: 'rpm_limit', times: 1 }, token);
    expect(emulator.faults.list()).toHaveLength(1);
    expect((await act('fault', { effect: 'nothing' }, token)).status).toBe(400);
    await act('unfault', { id: fault.body.id }, token);
    expect(emulator.faults.list()).toEqual([]);
    const before = emulator.clock.now();
    await act('clock', { advance: 3_600 }, token);
    expect(emulator.clock.now()).toBeGreaterThanOrEqual(before + 3_600_000);
  });

  test('sends a request of the journal again, as the same account', async () => {
    const { act, token, id, inspect } = await withSession();
    const { items } = await inspect<RequestList>('/requests');
    const again = await act('replay', { request: items.at(-1)?.n }, token);
    expect(again.body).toMatchObject({ did: 'sent', status: 200 });
    const page = await inspect<WindowPage>(`/sessions/${id}/window`);
    expect(page.items.map(({ text }) => text)).toEqual(['message 0', 'message 1', 'message 2', 'message 2']);
    const gone = await act('replay', { request: 999 }, token);
    expect([gone.status, gone.text]).toEqual([400, expect.stringContaining('#999 is not remembered')]);
  });

  test('needs the token of the page, and refuses names and fields that it does not know', async () => {
    const { act, token, id, inspect } = await withSession();
    for (const wrong of ['', 'x'.repeat(token.length)]) {
      const refused = await act('fork', { session: id, at: 'now' }, wrong);
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("page's token")]);
    }
    expect((await inspect<Overview>('')).sessions).toBe(1);
    expect((await act('explode', {}, token)).status).toBe(400);
    expect((await act('fork', { session: id, at: 'now', force: true }, token)).status).toBe(400);
    expect((await act('fork', { session: 'sess_none', at: 'now' }, token)).status).toBe(404);
    expect((await act('fork', { session: id, at: '99' }, token)).status).toBe(400);
  });

  test('is seen live: each change is told of, and closing the emulator ends the stream', async () => {
    const { api, append, id, emulator, inspect } = await withSession();
    const response = await api.open('GET', '/_emulator/inspect/live');
    const events = readLive(response);
    /** The next that fits: a request may be told of when it comes, and again when it is answered. */
    const next = async (fits: (event: LiveEvent) => boolean): Promise<void> => {
      for (;;) {
        const { value, done } = await events.next();
        if (done) expect.fail('the stream has ended');
        else if (fits(value)) return;
      }
    };
    const names = ({ sessions }: LiveEvent) => sessions?.join() === id;
    await next(({ sessions, count }) => sessions === null && count === 1);
    await append(id, 'one more');
    await next(names);
    // A refusal changes nothing, and stands on the session's time line all the same.
    const before = (await inspect<Timeline>(`/sessions/${id}`)).items.length;
    await api.post(`/v1/sessions/${id}/messages`, { role: 'tool', tool_call_id: 'x', content: '1' });
    await next(names);
    expect((await inspect<Timeline>(`/sessions/${id}`)).items).toHaveLength(before + 1);
    emulator.faults.add({ effect: 'error', code: 'rpm_limit', operation: 'createChatCompletion', times: 1 });
    await next(({ faults }) => faults.endsWith(' 1'));
    await api.delete(`/v1/sessions/${id}`);
    await next(({ sessions, count }) => sessions === null && count === 0);
    const end = events.next();
    await emulator.close();
    await expect(end.then(({ done }) => done === true)).resolves.toBe(true);
  });
});

/** The events of the stream; ends also where the connection does. */
async function* readLive(response: Response): AsyncGenerator<LiveEvent> {
  let text = '';
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  for (;;) {
    const step = await reader?.read().catch(() => undefined);
    if (!step || step.done) return;
    text += decoder.decode(step.value, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice('data: '.length, end);
      text = text.slice(end + 2);
      if (event === '[DONE]') return;
      yield JSON.parse(event) as LiveEvent;
    }
  }
}
