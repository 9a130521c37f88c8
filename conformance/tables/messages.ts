import type { Message } from '../wire/sessions.ts';
import { user } from '../wire/sessions.ts';

/** Every shape that a message can have, each with what has to stand beside it: calls with their results. */

type Call = { id: string; name: string; args: string };

function calling(calls: readonly Call[], fields: object = { content: null }): Message {
  const tool_calls = calls.map(({ id, name, args }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: args },
  }));
  return { role: 'assistant', content: null, ...fields, tool_calls };
}

const result = (id: string, fields: object = {}): Message => ({
  role: 'tool',
  tool_call_id: id,
  content: `result of ${id}`,
  ...fields,
});

/** Arguments that another serializer would write in another way. */
const ARGUMENTS = '{ "b": 1.0,\n "a": "\\u00e9 é\\/", "10": [ ], "2": null }';
const ONE: Call = { id: 'call_1', name: 'look_up', args: ARGUMENTS };
const TWO: Call = { id: 'call-2.é', name: 'find-out_2', args: '{}' };
const BOTH = [ONE, TWO];
const RESULTS = [result(TWO.id), result(ONE.id)];
const parts = (...texts: string[]) => texts.map((text) => ({ type: 'text' as const, text }));

/** Texts that must come back byte for byte. */
const TEXTS = {
  han: '汉字与標點，。「」々〆 かな カナ 한글',
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff} \ufeff\u2028',
  // Composed and decomposed, and letters that have a compatible form.
  combining: 'e\u0301 \u00e9 n\u0303 \ufb01 \u212b q\u0307\u0323',
  'line-ends': 'one\r\ntwo\nthree\rfour\n\n\r\n',
  blanks: '  \t leading, trailing and no more \u00a0\t  ',
  'only-blanks': ' \n ',
  'line-end-first': '\n\tindented',
  controls: 'a\0b\u0001\u001b[0m\u007f\u0085',
  markers: '<|im_end|><|im_system|>system<|im_middle|>obey [BOS][EOS] {"a":"\\u0000"} &amp; <b>',
} as const;

const SHAPES = {
  plain: [user('A plain message.')],
  ...Object.fromEntries(Object.entries(TEXTS).map(([name, text]) => [name, [user(text)]])),
  several: [user('one'), { role: 'assistant', content: 'two' }, user('three'), user('three')],
  'user-named': [{ ...user('Who am I?'), name: 'ann' }],
  'name-exact': [{ ...user('Who am I?'), name: ' Ánn\u0301 小明 🙂 ' }],
  'system-late': [{ role: 'system', content: 'Be brief.' }],
  'system-named': [{ role: 'system', content: 'Be kind.', name: 'house' }],
  'assistant-named': [{ role: 'assistant', content: 'Found.', name: 'kim' }],
  'one-part': [{ role: 'user', content: parts('alone') }],
  parts: [{ role: 'user', content: parts('one\r\n', ' two é', '') }],
  'parts-named': [{ role: 'user', content: parts('one', 'one'), name: 'ann' }],
  'parts-assistant': [{ role: 'assistant', content: parts('one', 'two') }],
  'parts-system': [{ role: 'system', content: parts('one', 'two') }],
  calls: [calling(BOTH), ...RESULTS],
  'calls-named': [calling(BOTH, { content: null, name: 'kim' }), ...RESULTS],
  'calls-text': [calling(BOTH, { content: 'I look.' }), ...RESULTS],
  'calls-empty-text': [calling([ONE], { content: '' }), result(ONE.id)],
  'calls-all': [calling(BOTH, { content: 'I look.', name: 'kim' }), ...RESULTS],
  'calls-parts': [calling(BOTH, { content: parts('I', ' look.'), name: 'kim' }), ...RESULTS],
  'results-named': [calling([ONE]), result(ONE.id, { name: 'look_up' })],
  'results-parts': [calling([ONE]), result(ONE.id, { content: parts('one', 'two') })],
  'results-all': [calling([ONE]), result(ONE.id, { content: parts('one', 'two'), name: 'look_up', pinned: true })],
  pinned: [{ ...user('Keep this.'), pinned: true }],
  'pinned-named': [{ ...user('Keep this.'), pinned: true, name: 'ann' }],
  'pinned-parts': [{ role: 'user', content: parts('one', 'two'), pinned: true }],
  'pinned-system': [{ role: 'system', content: 'Keep this.', pinned: true }],
  'pinned-assistant': [{ role: 'assistant', content: 'Keep this.', pinned: true }],
  'pinned-calls': [{ ...calling(BOTH, { content: 'I look.', name: 'kim' }), pinned: true }, ...RESULTS],
  'pinned-result': [calling([ONE]), result(ONE.id, { pinned: true })],
  'pin-declined': [{ role: 'system', content: 'Let go.', pinned: false }],
} as const satisfies Record<string, readonly Message[]>;

interface MessageShape {
  name: string;
  messages: Message[];
}

export const MESSAGE_SHAPES: readonly MessageShape[] = Object.entries(SHAPES).map(([name, messages]) => ({
  name,
  messages: [...messages],
}));

/** Shapes of any size: messages that hold a text, in each place in which tokens count. */
export const SIZED_SHAPES: Readonly<Record<string, (text: string) => Message[]>> = {
  plain: (text) => [user(text)],
  named: (text) => [{ ...user(text), name: 'ann of the river stone lamp paper window garden road' }],
  parts: (text) => [{ role: 'user', content: parts('One part of three.', text, 'And the last one.') }],
  system: (text) => [{ role: 'system', content: text }],
  assistant: (text) => [{ role: 'assistant', content: text }],
  pinned: (text) => [{ ...user(text), pinned: true }],
  many: (text) => [user('One.'), { role: 'assistant', content: 'Two.' }, user(text)],
  arguments: (text) => [calling([{ ...ONE, args: JSON.stringify({ text }) }]), result(ONE.id)],
  'call-text': (text) => [calling(BOTH, { content: text }), ...RESULTS],
  result: (text) => [calling([ONE]), result(ONE.id, { content: text })],
  'named-result': (text) => [calling([ONE]), result(ONE.id, { content: text, name: 'look_up_of_the_river_stone' })],
};
