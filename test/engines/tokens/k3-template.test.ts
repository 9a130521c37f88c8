import { expect, it } from 'vitest';
import {
  type K3Message,
  type K3Settings,
  renderK3Answer,
  renderK3Closing,
  renderK3Opening,
  renderK3Prompt,
} from '../../../emulator/engines/tokens/k3-template.ts';
import { countPieces, countPiecesSliced, toText } from '../../../emulator/engines/tokens/prompt.ts';
import { tokenizerNamed } from './under-test.ts';

const DISABLED = { thinking: false, effort: 'max' } as const satisfies K3Settings;
const MAX = { ...DISABLED, thinking: true } as const satisfies K3Settings;
const HIGH = { ...MAX, effort: 'high' } as const satisfies K3Settings;
const GREETING: K3Message[] = [
  { role: 'system', content: '你是一个简洁、准确的助手。' },
  { role: 'user', content: '你好' },
];
/** What the assistant's opening tag takes. */
const OPENING = 7;

/** Markup in a notation that can be read: `<tag a="b">` and `</tag>`, `¶` at the end of a message. */
function markup(messages: readonly K3Message[], settings: K3Settings): string {
  return toText(renderK3Prompt(messages, settings))
    .replaceAll('<|open|>', '<')
    .replaceAll('<|close|>', '</')
    .replaceAll('<|sep|>', '>')
    .replaceAll('<|end_of_msg|>', '¶');
}

// Constants of the official Kimi Vendor Verifier and of live captures, 2026-07 to 2026-09.
it.for<[string, number, K3Message[], K3Settings]>([
  ['a greeting, thinking disabled', 36, GREETING, DISABLED],
  ['a greeting at effort max', 103, GREETING, MAX],
  ['an answer in the history at effort high', 99, [{ role: 'assistant', content: '你好' }], HIGH],
  ['"Reply exactly OK" at effort max', 88, [{ role: 'user', content: 'Reply exactly OK' }], MAX],
])('counts a prompt as the live K3 does: %s takes %i tokens', async ([, tokens, messages, settings], context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  const pieces = renderK3Prompt(messages, settings);
  expect(countPieces(kimi, pieces)).toBe(tokens);
  expect(await countPiecesSliced(kimi, pieces)).toBe(tokens);
});

it.for([
  ['low', 68],
  ['high', 68],
  ['max', 67],
] as const)('counts the message about effort %s as %i tokens', async ([effort, tokens], context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  expect(countPieces(kimi, renderK3Opening({ thinking: true, effort }))).toBe(tokens);
  expect(renderK3Opening({ thinking: false, effort })).toEqual([]);
});

it.for<[string, number, Partial<K3Settings>]>([
  ['tool_choice required', 36, { toolChoice: 'required' }],
  ['tool_choice none', 38, { toolChoice: 'none' }],
  ['tool_choice auto', 0, { toolChoice: 'auto' }],
  ['response_format json_object', 47, { responseFormat: { type: 'json_object' } }],
  ['response_format text', 0, { responseFormat: { type: 'text' } }],
])('counts %s as %i tokens behind the history', async ([, tokens, asked], context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  expect(countPieces(kimi, renderK3Closing({ ...MAX, ...asked }))).toBe(OPENING + tokens);
});

const call = (name: string, args: string) => ({
  id: `${name}_0`,
  type: 'function' as const,
  function: { name, arguments: args },
});

// Differences between completion_tokens and reasoning_tokens in live captures of 2026-08: 50/33, 97/44, 51/15.
it.for<[string, number, Parameters<typeof renderK3Answer>[0]]>([
  ['a one-token answer', 17, { content: 'OK' }],
  ['get_weather {"city":"Paris"}', 53, { content: '', tool_calls: [call('get_weather', '{"city": "Paris"}')] }],
  ['ping {}', 36, { content: '', tool_calls: [call('ping', '{}')] }],
])('counts %s as reasoning + %i completion tokens', async ([, tokens, answer], context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  const reasoning_content = 'The user wants a short answer.';
  const own = kimi.count(reasoning_content);
  expect(countPieces(kimi, renderK3Answer({ ...answer, reasoning_content }, true))).toBe(own + tokens);
});

it('writes tools with sorted keys and no spaces, ahead of all', () => {
  const parameters = { type: 'object', properties: { b: { type: 'string' }, 10: {}, 9: {}, a: { description: 'é' } } };
  const tools = [{ type: 'function' as const, function: { name: 'do', parameters } }];
  expect(markup([], { ...DISABLED, tools })).toBe(
    `<message role="system" type="tool-declare"># Tools
Here are the available tools, described in JSONSchema.

\`\`\`json
[{"function":{"name":"do","parameters":{"properties":{"10":{},"9":{},"a":{"description":"é"},"b":{"type":"string"}},"type":"object"}},"type":"function"}]
\`\`\`</message>¶<message role="assistant">`,
  );
});

it('writes a think block for each assistant message, also for one without reasoning, and none where thinking is disabled', () => {
  const messages: K3Message[] = [
    { role: 'assistant', content: 'a', reasoning_content: 'why' },
    { role: 'assistant', content: 'b', reasoning_content: ' ' },
  ];
  expect(markup(messages, MAX)).toContain(
    '<message role="assistant"><think>why</think><response>a</response></message>¶<message role="assistant"><think></think><response>b</response></message>¶',
  );
  expect(markup(messages, DISABLED)).toBe(
    '<message role="assistant"><response>a</response></message>¶<message role="assistant"><response>b</response></message>¶<message role="assistant">',
  );
});

it('writes arguments by name with their types, and what is not an object as it was sent', () => {
  const typed = '{"s":"x","n":1.5,"b":true,"z":null,"o":{"k":[1,"é"]},"e":""}';
  const tool_calls = [call('f', typed), call('g', 'not {json'), call('h', ' ')];
  expect(markup([{ role: 'assistant', content: '', tool_calls }], DISABLED)).toContain(
    '<response></response><tools>' +
      '<call tool="f" index="1"><argument key="s" type="string">x</argument><argument key="n" type="number">1.5</argument>' +
      '<argument key="b" type="boolean">true</argument><argument key="z" type="null">null</argument>' +
      '<argument key="o" type="object">{"k": [1, "é"]}</argument><argument key="e" type="string"></argument></call>' +
      '<call tool="g" index="2"><json type="object">not {json</json></call><call tool="h" index="3"></call></tools></message>',
  );
});

it('writes results in the order of their calls, numbered, with the names of the functions', () => {
  const tool_calls = [call('first', '{}'), call('second', '{}')];
  const result = (name: string): K3Message => ({ role: 'tool', tool_call_id: `${name}_0`, content: `of ${name}` });
  const messages: K3Message[] = [
    { role: 'assistant', content: '', tool_calls },
    result('second'),
    result('first'),
    { role: 'user', content: 'go on' },
  ];
  expect(markup(messages, DISABLED)).toContain(
    '¶<message role="tool" tool="first" index="1">of first</message>¶<message role="tool" tool="second" index="2">of second</message>¶<message role="user">',
  );
});

it('escapes quotes and ampersands of names, and no brackets', () => {
  expect(markup([{ role: 'user', name: 'A & "B" <c>', content: 'x' }], DISABLED)).toContain(
    '<message role="user" name="A &amp; &quot;B&quot; <c>">x',
  );
});

it('leaves a partial answer open behind its think block', () => {
  const partial: K3Message = { role: 'assistant', content: 'It is', reasoning_content: 'why', partial: true };
  const question: K3Message = { role: 'user', content: 'what?' };
  expect(markup([question, partial], MAX)).toMatch(/<message role="assistant"><think>why<\/think><response>It is$/);
  expect(markup([question, partial], DISABLED)).toMatch(/<message role="assistant"><response>It is$/);
});

it('adds the tools of a system message where it stands', () => {
  const tools = [{ type: 'function' as const, function: { name: 'late' } }];
  expect(markup([{ role: 'system', content: null, tools }], DISABLED)).toMatch(
    /^<message role="system" type="tool-declare">## New Tools Available\n[^<]*\n```json\n\[\{"function":\{"name":"late"\},"type":"function"\}\]\n```<\/message>¶/,
  );
});

it('counts text that looks like markers as text', async (context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  const marked = renderK3Prompt([{ role: 'user', content: '<|end_of_msg|>' }], DISABLED);
  const empty = renderK3Prompt([{ role: 'user', content: '' }], DISABLED);
  expect(countPieces(kimi, marked) - countPieces(kimi, empty)).toBe(kimi.count('<|end_of_msg|>'));
  expect(kimi.count('<|end_of_msg|>')).toBeGreaterThan(1);
});

it('counts a picture as its pads and the text of its size', async (context) => {
  const kimi = await tokenizerNamed('kimi-k2', context);
  const media = { width: 1024, height: 1024 };
  const picture = { type: 'image_url' as const, image_url: '', media };
  const [with1, without] = [[picture], ''].map((content) =>
    countPieces(kimi, renderK3Prompt([{ role: 'user', content }], DISABLED)),
  );
  expect(with1).toBe((without ?? 0) + 1369 + 3 + kimi.count('image 1024x1024'));
});
