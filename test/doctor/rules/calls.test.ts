import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../../contract/chat.ts';
import type { InputMessage, ToolCall } from '../../../contract/messages.ts';
import type { Model } from '../../../emulator/models/model.ts';
import type { Api } from '../../support/emulator.ts';
import { saying } from '../../support/held-model.ts';
import { createSession, result, sized, tool } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

const tools = [tool('look')];
const user: InputMessage = { role: 'user', content: 'Look.' };
const long = JSON.stringify({ path: 'a'.repeat(400) });
const model = saying({ type: 'tool_call', name: 'look', arguments: long });

async function callOf(reply: ReturnType<typeof chat>): Promise<ToolCall> {
  const [choice] = ((await reply).body as unknown as ChatCompletion).choices;
  return choice?.message.tool_calls?.[0] ?? expect.fail('no call');
}

const answering = (call: ToolCall) => [user, { role: 'assistant', content: '', tool_calls: [call] }, result(call.id)];

describe('cut-calls', () => {
  it.each([false, true])('error: a result for a call that was cut off, repaired: %s', async (repaired) => {
    const found = await judged(
      'cut-calls',
      async (api) => {
        const call = await callOf(chat(api, { messages: [user], tools, max_tokens: 20 }));
        const sent = repaired ? { ...call, function: { ...call.function, arguments: '{}' } } : call;
        await chat(api, { messages: answering(sent), tools, max_tokens: 2_000 });
      },
      { model, limits: {} },
    );
    expect(found).toMatchObject({ level: 'error', evidence: [2] });
  });
  it('error: the user says something behind the result', async () => {
    const found = await judged(
      'cut-calls',
      async (api) => {
        const call = await callOf(chat(api, { messages: [user], tools, max_tokens: 20 }));
        await chat(api, { messages: [...answering(call), user], tools, max_tokens: 2_000 });
      },
      { model, limits: {} },
    );
    expect(found).toMatchObject({ level: 'error', evidence: [2] });
  });
  it('error: streamed, too', async () => {
    const found = await judged(
      'cut-calls',
      async (api) => {
        const { text } = await chat(api, { messages: [user], tools, max_tokens: 20, stream: true });
        const id = /"id":"(functions[^"]+)"/.exec(text)?.[1] ?? expect.fail(text);
        const call: ToolCall = { id, type: 'function', function: { name: 'look', arguments: '{"pa' } };
        await chat(api, { messages: answering(call), tools, max_tokens: 2_000 });
      },
      { model, limits: {} },
    );
    expect(found).toMatchObject({ level: 'error', evidence: [2] });
  });
  it('error: in a session, where the result is refused', async () => {
    const found = await judged(
      'cut-calls',
      async (api) => {
        const session = await createSession(api, { tools });
        const call = await callOf(session.chat([user], { max_tokens: 20 }) as ReturnType<typeof chat>);
        await session.append(result(call.id));
      },
      { model, limits: {} },
    );
    expect(found).toMatchObject({ level: 'error', evidence: [3] });
  });
  it('ok: asked again with more max_tokens, and that call answered', async () => {
    const found = await judged(
      'cut-calls',
      async (api) => {
        const cut = await callOf(chat(api, { messages: [user], tools, max_tokens: 20 }));
        const call = await callOf(chat(api, { messages: [user], tools, max_tokens: 2_000 }));
        expect(call.id).toBe(cut.id);
        await chat(api, { messages: answering(call), tools, max_tokens: 2_000 });
      },
      { model, limits: {} },
    );
    expect(found.level).toBe('ok');
  });
  it('ok: cut off and dropped', async () => {
    const act = async (api: Api) => chat(api, { messages: [user], tools, max_tokens: 20 });
    expect((await judged('cut-calls', act, { model, limits: {} })).level).toBe('ok');
  });
});

/** Answers the first questions with these calls, one list each, and all others with a text. */
function callingInTurn(...answers: readonly (readonly string[])[]): Model {
  let asked = 0;
  return {
    name: 'calling in turn',
    async *complete() {
      const paths = answers[asked++];
      for (const path of paths ?? []) yield { type: 'tool_call', name: 'look', arguments: JSON.stringify({ path }) };
      if (!paths) yield { type: 'text', text: 'Done.' };
    },
  };
}

describe('calls with the same ids in two conversations of an account', () => {
  const settings = { tools, max_tokens: 2_000 };
  const ask = (api: Api, max_tokens = 2_000) => chat(api, { messages: [user], tools, max_tokens });
  const answer = (api: Api, ...given: string[]) => {
    const calls = given.map((text, place) => ({
      id: `functions.look:${place}`,
      type: 'function' as const,
      function: { name: 'look', arguments: text },
    }));
    const messages = [
      user,
      { role: 'assistant', content: '', tool_calls: calls },
      ...calls.map(({ id }) => result(id)),
    ];
    return chat(api, { messages, ...settings });
  };
  const levels = async (answers: readonly (readonly string[])[], act: (api: Api) => Promise<unknown>) => {
    const of = (rule: string) => judged(rule, act, { model: callingInTurn(...answers), limits: {} });
    return [(await of('cut-calls')).level, (await of('lost-calls')).level];
  };

  it('ok: one of them has the call whole, the other the same and one that was cut off', async () => {
    const long = 'b'.repeat(400);
    const found = await levels([['a'], ['a', long]], async (api) => {
      await ask(api);
      await ask(api, 40);
      await answer(api, '{"path":"a"}');
    });
    expect(found).toEqual(['ok', 'ok']);
  });
  it('ok: the call is written again with other blanks', async () => {
    const found = await levels([['a'], ['c'.repeat(400)]], async (api) => {
      await ask(api);
      await ask(api, 20);
      await answer(api, '{ "path": "a" }');
    });
    expect(found).toEqual(['ok', 'ok']);
  });
  it('ok: arguments are repaired after another conversation has asked for more', async () => {
    const found = await levels([['a'], ['b', 'c', 'd']], async (api) => {
      await ask(api);
      await ask(api);
      await answer(api, '{"path":"/a"}');
    });
    expect(found).toEqual(['ok', 'ok']);
  });
  it('warning: a call is lost although an earlier answer made one alone', async () => {
    const found = await levels([['a'], ['b', 'c']], async (api) => {
      await ask(api);
      await ask(api);
      await answer(api, '{"path":"b"}');
    });
    expect(found).toEqual(['ok', 'warning']);
  });
});

describe('lost-calls', () => {
  const two = saying(
    { type: 'tool_call', name: 'look', arguments: '{"path":"a"}' },
    { type: 'tool_call', name: 'look', arguments: '{"path":"b"}' },
  );
  const options = { model: two, limits: {} };
  const callsOf = (path: string, place: number): ToolCall => ({
    id: `functions.look:${place}`,
    type: 'function',
    function: { name: 'look', arguments: JSON.stringify({ path }) },
  });
  const both = [callsOf('a', 0), callsOf('b', 1)];
  const history = (calls: ToolCall[]) => [
    user,
    { role: 'assistant', content: '', tool_calls: calls },
    ...calls.map(({ id }) => result(id)),
  ];
  /** Asks, and goes on with these of the two calls. */
  const goingOn = (calls: ToolCall[], asking: object = {}) =>
    judged(
      'lost-calls',
      async (api) => {
        await chat(api, { messages: [user], tools, max_tokens: 2_000, ...asking });
        await chat(api, { messages: history(calls), tools, max_tokens: 2_000 });
      },
      options,
    );

  it.each([false, true])('warning: the last of two calls came back, streamed: %s', async (stream) => {
    expect(await goingOn(both.slice(1), { stream })).toMatchObject({ level: 'warning', evidence: [2] });
    expect(await goingOn(both.slice(0, 1), { stream })).toMatchObject({ level: 'warning', evidence: [2] });
  });
  it('ok: all came back, also in another order or with arguments that were mended', async () => {
    expect((await goingOn(both)).level).toBe('ok');
    expect((await goingOn(both.toReversed())).level).toBe('ok');
    expect((await goingOn(both.map((_, place) => callsOf(`mended ${place}`, place)))).level).toBe('ok');
  });
  it('ok: all came back, each in a message of its own with its result', async () => {
    const found = await judged(
      'lost-calls',
      async (api) => {
        await chat(api, { messages: [user], tools, max_tokens: 2_000 });
        const apart = both.flatMap((call) => history([call]).slice(1));
        await chat(api, { messages: [user, ...apart], tools, max_tokens: 2_000 });
      },
      options,
    );
    expect(found.level).toBe('ok');
  });
  it('ok: one of several choices was taken', async () => {
    expect((await goingOn(both, { n: 2 })).level).toBe('ok');
  });
  it('ok: another conversation has made the same call and one more meanwhile', async () => {
    const found = await judged(
      'lost-calls',
      async (api) => {
        for (let times = 0; times < 2; times += 1) await chat(api, { messages: [user], tools, max_tokens: 2_000 });
        for (const calls of [both.slice(0, 1), both]) await chat(api, { messages: history(calls), tools });
      },
      { model: callingInTurn(['a'], ['a', 'b']), limits: {} },
    );
    expect(found.level).toBe('ok');
  });
  it('ok: in a session, which keeps them and refuses what leaves one open', async () => {
    const found = await judged(
      'lost-calls',
      async (api) => {
        const session = await createSession(api, { tools });
        const call = await callOf(session.chat([user], { max_tokens: 2_000 }) as ReturnType<typeof chat>);
        await session.append(result(call.id));
      },
      options,
    );
    expect(found.level).toBe('ok');
  });
});

/** Rounds of a call and its result, each sent with all that came before it. */
async function rounds(api: Api, times: number, callAt: (round: number) => string, resultAt: (round: number) => string) {
  const messages: InputMessage[] = [user];
  for (let round = 0; round < times; round += 1) {
    await chat(api, { messages, tools });
    const id = `functions.look:${round}`;
    const call: ToolCall = { id, type: 'function', function: { name: 'look', arguments: callAt(round) } };
    messages.push({ role: 'assistant', content: '', tool_calls: [call] }, result(id, resultAt(round)));
  }
  await chat(api, { messages, tools });
}

describe('repeated-calls', () => {
  const roomy = { limits: {} };
  it('error: the same call with the same result thirty times', async () => {
    const found = await judged(
      'repeated-calls',
      (api) =>
        rounds(
          api,
          30,
          () => '{}',
          () => 'pending',
        ),
      roomy,
    );
    expect(found.level).toBe('error');
    expect(found.says).toContain('the same call of look was made 30 times in a row');
    expect(found.evidence).toContain(31);
  });
  it('error: arguments are written with other blanks each time', async () => {
    const callAt = (round: number) => (round % 2 ? '{"at":"door"}' : '{ "at": "door" }');
    const found = await judged('repeated-calls', (api) => rounds(api, 12, callAt, () => 'pending'), roomy);
    expect(found.level).toBe('error');
  });
  it('warning: five times', async () => {
    const found = await judged(
      'repeated-calls',
      (api) =>
        rounds(
          api,
          5,
          () => '{}',
          () => 'pending',
        ),
      roomy,
    );
    expect(found).toMatchObject({ level: 'warning', evidence: [6] });
  });
  it.each<[string, number, (round: number) => string, (round: number) => string]>([
    ['other arguments each time', 30, (round) => `{"page":${round}}`, () => 'none'],
    ['another result each time', 30, () => '{}', (round) => `${round} %`],
    ['four times', 4, () => '{}', () => 'pending'],
    ['every other time', 30, (round) => `{"page":${round % 2}}`, () => 'none'],
  ])('ok: %s', async (_, times, callAt, resultAt) => {
    const found = await judged('repeated-calls', (api) => rounds(api, times, callAt, resultAt), roomy);
    expect(found.level).toBe('ok');
  });
  it('ok: thirty conversations with the same call and result, once each', async () => {
    const found = await judged(
      'repeated-calls',
      async (api) => {
        for (let each = 0; each < 30; each += 1)
          await rounds(
            api,
            1,
            () => '{}',
            () => 'done',
          );
      },
      roomy,
    );
    expect(found.level).toBe('ok');
  });

  const looking = saying({ type: 'tool_call', name: 'look', arguments: '{"at":"door"}' });
  const inSession = async (api: Api, resultAt: (round: number) => string, stream: boolean) => {
    const session = await createSession(api, { tools });
    await session.chat([user], { stream });
    for (let round = 0; round < 12; round += 1)
      await session.chat([result(`functions.look:${round}`, resultAt(round))], { stream });
  };
  it.each([false, true])('error: in a session, streamed: %s', async (stream) => {
    const options = { ...roomy, model: looking };
    const stuck = await judged('repeated-calls', (api) => inSession(api, () => 'shut', stream), options);
    expect(stuck.level).toBe('error');
    expect(stuck.says).toContain('12 times in a row');
    expect((await judged('repeated-calls', (api) => inSession(api, String, stream), options)).level).toBe('ok');
  });
  /** Twelve rounds of a call and its result, written by the client. */
  const written = async (api: Api, how: string, callAt: (round: number) => string, before: InputMessage[] = []) => {
    const session = await createSession(api, { tools });
    for (let round = 0; round < 12; round += 1) {
      const id = `call_${round}`;
      const call: ToolCall = { id, type: 'function', function: { name: 'look', arguments: callAt(round) } };
      const messages = [...before, { role: 'assistant' as const, content: '', tool_calls: [call] }, result(id, 'ok')];
      if (how === 'together') await session.append({ messages });
      else if (how === 'one by one') for (const message of messages) await session.append(message);
      else await appendLines(api, session.id, messages);
    }
  };
  const appendLines = (api: Api, id: string, messages: readonly InputMessage[]) =>
    api.send('POST', `/v1/sessions/${id}/messages`, messages.map((each) => `${JSON.stringify(each)}\n`).join(''), {
      headers: { 'Content-Type': 'application/x-ndjson' },
    });
  it.each(['together', 'one by one', 'streamed'])('of calls that are appended %s', async (how) => {
    const of = (callAt: (round: number) => string, before?: InputMessage[]) =>
      judged('repeated-calls', (api) => written(api, how, callAt, before), roomy);
    expect((await of(() => '{"at":"door"}')).level).toBe('error');
    expect((await of((round) => (round % 2 ? '{"at":"door"}' : '{ "at": "door" }'))).level).toBe('error');
    expect((await of((round) => `{"at":${round}}`)).level).toBe('ok');
    expect((await of(() => '{"at":"door"}', [user])).level).toBe('ok');
  });
  it('ok: in a session, asked again by its user each time', async () => {
    const found = await judged(
      'repeated-calls',
      async (api) => {
        const session = await createSession(api, { tools });
        for (let round = 0; round < 12; round += 1) {
          await session.chat([sized(10)]);
          await session.append(result(`functions.look:${round}`, 'shut'));
        }
      },
      { ...roomy, model: looking },
    );
    expect(found.level).toBe('ok');
  });
});
