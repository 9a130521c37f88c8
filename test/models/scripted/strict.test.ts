import { expect, test } from 'vitest';
import type { ModelRequest } from '../../../emulator/models/model.ts';
import type { ScriptRule } from '../../../emulator/models/scripted.ts';
import { assistant, requestOf, user } from '../../engines/lookup/ask.ts';
import { answer, scripted } from './ask.ts';

const NONE = 'Invalid request: no rule of the script answers this request';

async function refusal(rules: ScriptRule[], request: ModelRequest): Promise<unknown> {
  return answer(scripted(rules, { strict: true }), request).catch((error: Error) => error);
}

test.each<[string, ScriptRule, ModelRequest, string]>([
  [
    'text',
    { name: 'greet', when: { text: 'hello' }, reply: '' },
    requestOf('good morning'),
    '"greet" (rule 1): the last message holds no "hello"; it is "good morning"',
  ],
  [
    'an expression',
    { when: { text: '/^x/i' }, reply: '' },
    requestOf('a'),
    '1: the last message holds no /^x/i; it is "a"',
  ],
  ['role', { when: { role: 'tool' }, reply: '' }, requestOf('a'), '1: the last message is of role user, not tool'],
  [
    'turn',
    { when: { turn: 1 }, reply: '' },
    requestOf([user('a'), assistant('b'), user('c')]),
    '1: it is turn 2, not 1',
  ],
  [
    'no session',
    { when: { session: 'sess_1' }, reply: '' },
    requestOf('a'),
    '1: the request is in no session, and "sess_1" is asked for',
  ],
  [
    'another session',
    { when: { session: 'sess_1' }, reply: '' },
    requestOf('a', { session: { id: 'sess_2' } }),
    '1: the session is "sess_2", not "sess_1"',
  ],
  ['model', { when: { model: 'k3' }, reply: '' }, requestOf('a'), '1: the model is "kimi-k2-0905-preview", not "k3"'],
  [
    'tool',
    { when: { tool: { name: 'look' } }, reply: '' },
    requestOf('a'),
    '1: the prompt does not end with a tool result',
  ],
  ['a function', { when: () => false, reply: '' }, requestOf('a'), '1: its function does not accept it'],
])('a strict script says why the closest rule did not match: %s', async (_, rule, request, reason) => {
  expect(await refusal([rule], request)).toMatchObject({
    code: 'invalid_request',
    message: `${NONE}; closest rule ${reason}`,
  });
});

test('a strict script says which tool results the request has', async () => {
  const call = { id: 'functions.look:0', type: 'function' as const, function: { name: 'look', arguments: '{}' } };
  const request = requestOf([
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: call.id, content: 'nothing there' },
  ]);
  const because = async (tool: object) => String(await refusal([{ when: { tool }, reply: '' }], request));
  expect(await because({ name: 'find' })).toContain('the tool results at its end are of look, not "find"');
  expect(await because({ content: 'gold' })).toContain('no tool result at its end holds "gold"; it is "nothing there"');
});

test('the closest rule misses the fewest conditions, then meets the most', async () => {
  const rules: ScriptRule[] = [
    { name: 'far', when: { text: 'x', role: 'tool' }, reply: '' },
    { name: 'near', when: { text: 'x' }, reply: '' },
    { name: 'nearer', when: { text: 'x', role: 'user', turn: 1 }, reply: '' },
  ];
  expect(String(await refusal(rules, requestOf('a')))).toContain(
    'closest rule "nearer" (rule 3): the last message holds no "x"',
  );
  expect(String(await refusal(rules.slice(0, 1), requestOf('a')))).toContain(
    'the last message holds no "x"; it is "a"; and the last message is of role user, not tool',
  );
});

test('a strict script says that a rule is used up', async () => {
  const model = scripted([{ name: 'once', reply: 'yes', times: 1 }], { strict: true });
  expect(await answer(model, requestOf('a'))).toBe('yes');
  await expect(answer(model, requestOf('a'))).rejects.toThrow(
    `${NONE}; closest rule "once" (rule 1): it has answered once, and may not again`,
  );
});

test('a used-up rule is closer than one that does not match', async () => {
  const rules: ScriptRule[] = [
    { name: 'other', when: { text: 'bye', turn: 1 }, reply: 'no' },
    { name: 'greet', when: { text: 'hi' }, reply: 'yes', times: 1 },
    { name: 'last', when: { text: 'hi', role: 'tool' }, reply: 'no' },
  ];
  const model = scripted(rules, { strict: true });
  expect(await answer(model, requestOf('hi'))).toBe('yes');
  await expect(answer(model, requestOf('hi'))).rejects.toThrow('closest rule "greet" (rule 2): it has answered once');
});

test('a script without rules answers nothing', async () => {
  expect(await refusal([], requestOf('a'))).toHaveProperty('message', `${NONE}: it has none`);
});

test('a strict script shows a long message in part', async () => {
  const error = await refusal([{ when: { text: 'x' }, reply: '' }], requestOf('a'.repeat(10_000)));
  expect(String(error).length).toBeLessThan(300);
});
