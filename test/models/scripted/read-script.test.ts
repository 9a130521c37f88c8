import { describe, expect, test } from 'vitest';
import { DocumentError } from '../../../emulator/bad-input.ts';
import { readScript } from '../../../emulator/models/scripted/read-script.ts';
import { ScriptedModel, type ScriptRule, scriptOf } from '../../../emulator/models/scripted.ts';
import { requestOf } from '../../engines/lookup/ask.ts';
import { saying } from '../../support/held-model.ts';
import { answer } from './ask.ts';

const YAML = `# what the agent hears
strict: true
rules:
  - name: greet
    when: { text: hello, role: user }
    reply: Hi!
  - when:
      tool: { name: get_weather, content: /sun/i }
    replies:
      - tool_calls: [{ name: pack, arguments: { hat: true } }]
      - error: engine_overloaded
    times: 2
  - when: { text: { regex: '^json' } }
    reply:
      json: { ok: true }
`;

function load(text: string): ScriptedModel {
  const model = new ScriptedModel(saying('next'));
  model.load(readScript(text, 'script.yaml'));
  return model;
}

test('a script file is parsed with its line numbers', async () => {
  const model = load(YAML);
  expect(model.unused()).toEqual(['"greet" (line 4)', '2 (line 7)', '3 (line 13)']);
  expect(await answer(model, requestOf('hello there'))).toBe('Hi!');
  expect(await answer(model, requestOf('json please'))).toBe('{"ok":true}');
  await expect(answer(model, requestOf('bye'))).rejects.toThrow(
    'closest rule "greet" (line 4): the last message holds no "hello"; it is "bye"',
  );
});

test('a script may be a list of rules, or JSON with or without tabs', async () => {
  const rules = [{ when: { text: 'a' }, reply: 'b' }];
  for (const text of [
    JSON.stringify(rules),
    JSON.stringify({ rules }, null, '\t'),
    '- when: {text: a}\n  reply: b\n',
  ]) {
    const model = load(text);
    expect([await answer(model, requestOf('a')), await answer(model, requestOf('x'))]).toEqual(['b', 'next']);
  }
});

describe('refused, with the line and what would be right', () => {
  test.each([
    [
      'name: greet',
      'nmae: greet',
      'line 4: rules[0]: "nmae" is unknown here; did you mean name? the members are name, when, reply, replies, times',
    ],
    [
      'text: hello',
      'txt: hello',
      'line 5: rules[0].when: "txt" is unknown here; did you mean text? the members are text, anyOf, role, session, turn, tool, model',
    ],
    [
      'name: get_weather',
      'nam: get_weather',
      'line 8: rules[1].when.tool: "nam" is unknown here; did you mean name? the members are name, content',
    ],
    [
      'strict: true',
      'strct: true',
      'line 2: "strct" is unknown here; did you mean strict? the members are strict, rules',
    ],
    ['strict: true', 'strict: 1', 'line 2: strict: '],
    ['role: user', 'role: human', 'line 5: rules[0].when.role: must be one of system, user, assistant, tool'],
    ['/sun/i', '/su(n/i', 'line 8: rules[1].when.tool.content: Invalid regular expression'],
    ["'^json'", "'^(json'", 'line 13: rules[2].when.text: Invalid regular expression'],
    [
      'text: hello',
      'text: /a(?=b)/',
      'line 5: rules[0].when.text: /a(?=b)/: lookaheads, and groups in lookbehinds, are not supported: patterns run on RE2, which cannot hang',
    ],
    ['text: hello', 'text: 3', 'line 5: rules[0].when.text: must be text, /an expression/ or {regex, flags}'],
    ['reply: Hi!', 'rep: Hi!', 'line 6: rules[0]: "rep" is unknown here; did you mean reply?'],
    ['    reply: Hi!\n', '', 'line 4: rules[0]: must have either reply or replies'],
    ['reply: Hi!', 'reply: Hi!\n    replies: [a]', 'line 4: rules[0]: must have either reply or replies'],
    ['reply: Hi!', 'reply: 3', 'line 6: rules[0].reply: must be text, or an object of text, tool_calls, json or error'],
    [
      'error: engine_overloaded',
      'error: engine_overload',
      'line 11: rules[1].replies[1].error: must be one of invalid_request, ',
    ],
    [
      'error: engine_overloaded',
      'reasoning: only',
      'line 11: rules[1].replies[1]: must have exactly one of text, tool_calls, json and error; text may go with tool_calls',
    ],
    [
      'error: engine_overloaded',
      '{error: rpm_limit, text: x}',
      'line 11: rules[1].replies[1]: must have exactly one of text, tool_calls, json and error; text may go with tool_calls',
    ],
    [
      'error: engine_overloaded',
      '{error: rpm_limit, reasoning: x}',
      'line 11: rules[1].replies[1]: reasoning does not go with error',
    ],
    [
      'name: pack',
      'nome: pack',
      'line 10: rules[1].replies[0].tool_calls[0]: "nome" is unknown here; did you mean name? the members are name, arguments',
    ],
    ['times: 2', 'times: 0', 'line 12: rules[1].times: '],
    ['when: { text: hello, role: user }', 'when: [', 'line '],
    ['name: greet', 'name: greet\n    name: again', 'line 5: Map keys must be unique'],
  ])('%j as %j', (right, wrong, message) => {
    expect(YAML).toContain(right);
    const read = () => readScript(YAML.replace(right, wrong), 'script.yaml');
    expect(read).toThrow(DocumentError);
    expect(read).toThrow(`script.yaml, ${message}`);
  });

  test.each(['', 'hello', '3', '{}', '{rules: 3}'])('%j is not a script', (text) => {
    expect(() => readScript(text, 'script.yaml')).toThrow(/^script\.yaml, line 1: .*must be a list of rules/);
  });
});

test('a script with endless YAML expansion is refused', () => {
  const bomb = [
    'a: &a [x, x]',
    ...'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]}, `.repeat(9)}]`),
  ];
  expect(() => readScript(bomb.join('\n'), 'bomb.yaml')).toThrow(DocumentError);
});

test('script rules from code are validated like those from a file', () => {
  const rules = [{ reply: 'a' }, { when: { txt: 'x' }, reply: 'b' }] as unknown as ScriptRule[];
  expect(() => scriptOf(rules)).toThrow(
    'script: [1].when: "txt" is unknown here; did you mean text? the members are text, anyOf, role, session, turn, tool, model',
  );
});
