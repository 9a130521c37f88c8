import { describe, expect, test } from 'vitest';
import type { ModelRequest } from '../../../emulator/models/model.ts';
import { type ScriptedReply, type ScriptRule, scriptOf } from '../../../emulator/models/scripted.ts';
import { requestOf, user } from '../../engines/lookup/ask.ts';
import { answer, deltasOf, scripted } from './ask.ts';

const ORDER = /order (?<number>\d+)( of (\w+))?/i;

function reply(reply: ScriptRule['reply'] & {}, text: string, when: ScriptRule['when'] = { text: ORDER }) {
  return answer(scripted([{ when, reply }]), requestOf(text));
}

describe('a reply names what the expression of its rule found', () => {
  test.each<[ScriptedReply, string]>([
    ['It is $1.', 'It is 4711.'],
    ['It is $<number>, by $3.', 'It is 4711, by Ann.'],
    ['"$&" costs $$5, or $0.50', '"Order 4711 of Ann" costs $5, or $0.50'],
    ['$$1 and $$$1 and $19', '$1 and $4711 and 47119'],
    [{ json: { id: '$1', by: ['$3'], $1: 1 } }, '{"id":"4711","by":["Ann"],"$1":1}'],
    [{ text: 'Let me see $1: ', tool_calls: [{ name: 'find_$3' }] }, 'Let me see 4711: find_Ann({})'],
    [{ tool_calls: [{ name: 'find', arguments: { id: '$1', all: false } }] }, 'find({"id":"4711","all":false})'],
    [{ tool_calls: [{ name: 'find', arguments: '{"id": $1}' }] }, 'find({"id": 4711})'],
  ])('%j', async (given, said) => {
    expect(await reply(given, 'Where is Order 4711 of Ann?')).toBe(said);
  });

  test('a group without a part of the match is empty', async () => {
    expect(await reply('[$3]', 'order 7')).toBe('[]');
  });

  test('reasoning is filled in as well', async () => {
    const model = scripted([{ when: { text: ORDER }, reply: { reasoning: 'Of $1.', text: 'Fine.' } }]);
    expect(await deltasOf(model, requestOf('order 7'))).toContainEqual({ type: 'reasoning', text: 'Of 7.' });
  });

  test('in arguments that are JSON text it is written as JSON needs it', async () => {
    const call = { tool_calls: [{ name: 'say', arguments: '{"text": "$1"}' }] };
    expect(await reply(call, 'say "a\\b"\n', { text: '/say (.*)/s' })).toBe(
      `say(${JSON.stringify({ text: '"a\\b"\n' }).replace(':', ': ')})`,
    );
  });

  test('the content of a tool result, the model and the session can be looked at the same way', async () => {
    const call = { id: 'a:0', type: 'function' as const, function: { name: 'find', arguments: '{}' } };
    const messages = [
      user('order 1?'),
      { role: 'assistant' as const, content: null, tool_calls: [call] },
      { role: 'tool' as const, tool_call_id: 'a:0', content: 'sent on 2026-11-30' },
    ];
    const when = { tool: { name: /^f(.*)/, content: /on (\S+)/ } };
    expect(await answer(scripted([{ when, reply: 'Sent $1.' }]), requestOf(messages))).toBe('Sent 2026-11-30.');
    const named = { tool: { name: /^f(.*)/ } };
    expect(await answer(scripted([{ when: named, reply: '$1' }]), requestOf(messages))).toBe('ind');
    expect(await reply('a $1', 'hi', { model: /kimi-(k\d)/ })).toBe('a k2');
  });

  test('without an expression a dollar sign is a dollar sign', async () => {
    expect(await reply('$1 and $$', 'order 7', { text: 'order' })).toBe('$1 and $$');
    expect(await reply('$1 and $$', 'order 7', () => true)).toBe('$1 and $$');
  });

  test.each<[ScriptRule, string]>([
    [
      { when: { text: /order (\d+)/ }, reply: 'It is $2.' },
      '[0].reply: $2 is not a group of /order (\\d+)/, which has 1; a dollar sign is written $$',
    ],
    [
      { when: { text: '/order/' }, replies: ['fine', { text: '$5' }] },
      '[0].replies[1]: $5 is not a group of /order/, which has none',
    ],
    [
      { when: { text: /(?<id>.)/ }, reply: { json: { a: ['$<no>'] } } },
      '[0].reply: $<no> is not a group of /(?<id>.)/, which has id',
    ],
  ])('a group that is not there is refused when the script is loaded: %j', (rule, problem) => {
    expect(() => scriptOf([rule])).toThrow(`script: ${problem}`);
  });
});

describe('a function as a reply', () => {
  test('decides each time, from the request and what was found', async () => {
    const asked: ModelRequest[] = [];
    const model = scripted([
      {
        when: { text: ORDER },
        reply: async (request, groups) => {
          asked.push(request);
          return groups[3] === undefined ? `${groups[1]}: $1` : { tool_calls: [{ name: groups[3] }] };
        },
      },
    ]);
    const request = requestOf('order 7');
    expect(await answer(model, request)).toBe('7: $1');
    expect(await answer(model, requestOf('order 8 of Ann'))).toBe('Ann({})');
    expect(asked).toHaveLength(2);
    expect(asked[0]).toEqual(request);
  });

  test('may be one of several replies, and knows no groups without an expression', async () => {
    const model = scripted([{ replies: ['first', (_, groups) => `${groups.length} groups`] }]);
    expect([await answer(model, requestOf('hi')), await answer(model, requestOf('hi'))]).toEqual(['first', '0 groups']);
  });

  test('may be an error of the API', async () => {
    await expect(reply(() => ({ error: 'engine_overloaded' }), 'order 7')).rejects.toThrow('currently overloaded');
  });

  test.each<[string, () => ScriptedReply, string]>([
    [
      'throws',
      () => {
        throw new Error('no such order');
      },
      'rule 1 of the script: no such order',
    ],
    [
      'returns no reply',
      () => ({ txt: 'x' }) as unknown as ScriptedReply,
      'rule 1 of the script: the reply of its function: "txt" is unknown here; did you mean text?',
    ],
    [
      'returns nothing',
      () => undefined as unknown as ScriptedReply,
      'rule 1 of the script: the reply of its function: must be text, or an object of text',
    ],
  ])('that %s fails the request with a text that names the rule', async (_, wrong, problem) => {
    await expect(reply(wrong, 'order 7')).rejects.toThrow(problem);
  });
});
