import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '../../../contract/errors.ts';
import { ApiError } from '../../../emulator/api-error.ts';
import { ScriptedModel, type ScriptedReply, scriptOf } from '../../../emulator/models/scripted.ts';
import { requestOf } from '../../engines/lookup/ask.ts';
import { saying } from '../../support/held-model.ts';
import { answer, deltasOf, scripted } from './ask.ts';

const HI = requestOf('hi');

test('without a script the next model answers', async () => {
  const model = new ScriptedModel(saying('next'));
  expect(model.name).toBe('saying');
  expect(await answer(model, HI)).toBe('next');
});

test('a script replies with text, tool calls and JSON', async () => {
  expect(await deltasOf(scripted([{ reply: 'Hello.' }]), HI)).toEqual([{ type: 'text', text: 'Hello.' }]);
  expect(await deltasOf(scripted([{ reply: { json: { ok: [1, null] } } }]), HI)).toEqual([
    { type: 'text', text: '{"ok":[1,null]}' },
  ]);
  const calls = [{ name: 'look', arguments: { at: 'x' } }, { name: 'break', arguments: '{"half' }, { name: 'none' }];
  expect(await deltasOf(scripted([{ reply: { text: 'Let me see.', tool_calls: calls } }]), HI)).toEqual([
    { type: 'text', text: 'Let me see.' },
    { type: 'tool_call', name: 'look', arguments: '{"at":"x"}' },
    { type: 'tool_call', name: 'break', arguments: '{"half' },
    { type: 'tool_call', name: 'none', arguments: '{}' },
  ]);
});

test.each<[string, ScriptedReply, object[]]>([
  ['text', { text: 'Seven.' }, [{ type: 'text', text: 'Seven.' }]],
  ['JSON', { json: { code: 7 } }, [{ type: 'text', text: '{"code":7}' }]],
  ['tool calls', { tool_calls: [{ name: 'look' }] }, [{ type: 'tool_call', name: 'look', arguments: '{}' }]],
])('reasoning comes before %s', async (_, reply, deltas) => {
  const thinking = { ...(reply as object), reasoning: 'It was said.' } as ScriptedReply;
  expect(await deltasOf(scripted([{ reply }]), HI)).toEqual(deltas);
  expect(await deltasOf(scripted([{ reply: thinking }]), HI)).toEqual([
    { type: 'reasoning', text: 'It was said.' },
    ...deltas,
  ]);
});

describe('errors', () => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('%s, before anything is given', async (code) => {
    const failed = deltasOf(scripted([{ reply: { error: code } }]), HI);
    await expect(failed).rejects.toBeInstanceOf(ApiError);
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(/\S/) });
  });

  test.each<[ErrorCode, string | RegExp]>([
    ['content_filter', 'The request was rejected because it was considered high risk'],
    ['permission_denied', 'The API you are accessing is not open'],
    ['model_not_found', 'Not found the model kimi-k2-0905-preview or Permission denied'],
    ['tool_call_id_not_found', "tool_call_id 'functions.unknown:0' not found"],
    [
      'concurrency_limit',
      /^Your account \S+<\S+> request reached max organization concurrency: 1, please try again after 1 seconds$/,
    ],
    ['rpm_limit', /> request reached organization max RPM: 20, please try again after 1 seconds$/],
    [
      'tpm_limit',
      /> request reached organization TPM rate limit, current: 563653, limit: 500000, please try again after 1 seconds$/,
    ],
    ['tpd_limit', /> request reached organization TPD rate limit, current: 1526210, limit: 1500000$/],
    ['unexpected_output', 'invalid state transition'],
  ])('%s says what the live API says', async (code, text) => {
    const error = await deltasOf(scripted([{ reply: { error: code } }]), HI).catch((thrown: Error) => thrown);
    expect(error).toHaveProperty('message', typeof text === 'string' ? text : expect.stringMatching(text));
  });

  test('an error that names a session names the right one', async () => {
    const request = requestOf('hi', { session: { id: 'sess_a' } });
    await expect(answer(scripted([{ reply: { error: 'session_busy' } }]), request)).rejects.toThrow(
      'The session sess_a is busy',
    );
  });
});

describe('a sequence', () => {
  test('gives its replies in order, and repeats the last', async () => {
    const model = scripted([{ replies: ['one', { error: 'rpm_limit' }, 'three'] }]);
    expect(await answer(model, HI)).toBe('one');
    await expect(answer(model, HI)).rejects.toThrow('max RPM');
    expect([await answer(model, HI), await answer(model, HI)]).toEqual(['three', 'three']);
  });

  test('ends when the rule is used up, and the next rule answers', async () => {
    const model = scripted([{ replies: ['one', 'two', 'three'], times: 2 }, { reply: 'other' }]);
    expect([await answer(model, HI), await answer(model, HI), await answer(model, HI)]).toEqual([
      'one',
      'two',
      'other',
    ]);
  });

  test('belongs to its rule', async () => {
    const model = scripted([
      { when: { text: 'a' }, replies: ['a1', 'a2'] },
      { when: { text: 'b' }, replies: ['b1', 'b2'] },
    ]);
    const ask = (text: string) => answer(model, requestOf(text));
    expect([await ask('a'), await ask('b'), await ask('a'), await ask('b')]).toEqual(['a1', 'b1', 'a2', 'b2']);
  });
});

test('the first rule that matches answers; if none does, the next model', async () => {
  const model = scripted([
    { when: { text: 'hello' }, reply: 'first' },
    { when: { role: 'user' }, reply: 'second', times: 1 },
  ]);
  expect(await answer(model, requestOf('hello'))).toBe('first');
  expect(await answer(model, requestOf('bye'))).toBe('second');
  expect(await answer(model, requestOf('bye'))).toBe('next');
});

test('unused() lists rules that never answered; a reset restarts all counts', async () => {
  const model = scripted([
    { name: 'greet', when: { text: 'hi' }, replies: ['one', 'two'], times: 2 },
    { when: { turn: 9 }, reply: 'never' },
  ]);
  expect(model.unused()).toEqual(['"greet" (rule 1)', '2']);
  await answer(model, HI);
  expect(model.unused()).toEqual(['2']);
  model.reset();
  expect(model.unused()).toEqual(['"greet" (rule 1)', '2']);
  expect(await answer(model, HI)).toBe('one');
});

test('a script replaces the one before', async () => {
  const model = scripted([{ reply: 'old' }], { strict: true });
  model.load(scriptOf([{ when: { text: 'new' }, reply: 'new' }]));
  expect([await answer(model, requestOf('new')), await answer(model, HI)]).toEqual(['new', 'next']);
});
