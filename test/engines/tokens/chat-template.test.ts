import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatMessage, Tool } from '../../../contract/messages.ts';
import {
  GENERATION_PROMPT_TOKENS,
  MESSAGE_END_TOKENS,
  MESSAGE_FRAME_TOKENS,
  messageTokens,
  messageTokensSliced,
  promptTokens,
  promptTokensSliced,
  toolsTokens,
  toolsTokensSliced,
} from '../../../emulator/engines/tokens/chat-template.ts';
import { hardTexts } from './texts.ts';
import { tokenizerNamed, VOCABULARIES } from './under-test.ts';

const TOOLS: Tool[] = [
  {
    type: 'function',
    function: { name: 'get_weather', description: '天气', parameters: { type: 'object', properties: {} } },
  },
];
const CALLS: ChatMessage = {
  role: 'assistant',
  content: 'Let me look.',
  tool_calls: [
    {
      id: 'functions.get_weather:0',
      type: 'function',
      function: { name: 'get_weather', arguments: '{"city":"Paris"}' },
    },
    { id: 'functions.get_weather:1', type: 'function', function: { name: 'get_weather', arguments: '{}' } },
  ],
};
const RESULT: ChatMessage = { role: 'tool', content: 'rain', tool_call_id: 'functions.get_weather:0' };

interface Prompt {
  what: string;
  messages: ChatMessage[];
  tools: Tool[];
  partial: boolean;
  prompt: string;
}

/** Written out by hand from the template that Moonshot published. */
const PROMPTS: Prompt[] = [
  {
    what: 'a plain message',
    messages: [{ role: 'user', content: 'Hi' }],
    tools: [],
    partial: false,
    prompt: '<|im_user|>user<|im_middle|>Hi<|im_end|><|im_assistant|>assistant<|im_middle|>',
  },
  {
    what: 'a name instead of the role, and text in parts,',
    messages: [
      {
        role: 'system',
        name: 'narrator',
        content: [
          { type: 'text', text: 'Once ' },
          { type: 'text', text: 'upon' },
        ],
      },
    ],
    tools: [],
    partial: false,
    prompt: '<|im_system|>narrator<|im_middle|>Once upon<|im_end|><|im_assistant|>assistant<|im_middle|>',
  },
  {
    what: 'tools, calls and a result',
    messages: [CALLS, RESULT],
    tools: TOOLS,
    partial: false,
    prompt:
      `<|im_system|>tool_declare<|im_middle|>${JSON.stringify(TOOLS)}<|im_end|>` +
      '<|im_assistant|>assistant<|im_middle|>Let me look.<|tool_calls_section_begin|>' +
      '<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city":"Paris"}<|tool_call_end|>' +
      '<|tool_call_begin|>functions.get_weather:1<|tool_call_argument_begin|>{}<|tool_call_end|>' +
      '<|tool_calls_section_end|><|im_end|>' +
      '<|im_system|>tool<|im_middle|>## Return of functions.get_weather:0\nrain<|im_end|>' +
      '<|im_assistant|>assistant<|im_middle|>',
  },
  {
    what: 'a result of a named tool',
    messages: [{ ...RESULT, name: 'get_weather' }],
    tools: [],
    partial: false,
    prompt:
      '<|im_system|>get_weather<|im_middle|>## Return of functions.get_weather:0\nrain<|im_end|>' +
      '<|im_assistant|>assistant<|im_middle|>',
  },
  {
    what: 'an answer begun',
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '{"a":' },
    ],
    tools: [],
    partial: true,
    prompt: '<|im_user|>user<|im_middle|>Hi<|im_end|><|im_assistant|>assistant<|im_middle|>{"a":',
  },
];

const MARKER =
  /<\|im_(?:system|user|assistant|middle|end)\|>|<\|tool_calls?_(?:section_)?(?:argument_)?(?:begin|end)\|>/;

describe.each(VOCABULARIES)('with $name', ({ name }) => {
  test.for(PROMPTS)('$what counts what the template says', async ({ messages, tools, partial, prompt }, context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const markers = prompt.match(new RegExp(MARKER, 'g'))?.length ?? 0;
    const texts = prompt.split(MARKER).reduce((sum, text) => sum + tokenizer.count(text), 0);
    expect(promptTokens(tokenizer, messages, tools, partial)).toBe(markers + texts);
    expect(await promptTokensSliced(tokenizer, messages, tools, partial)).toBe(markers + texts);
  });

  test('a prompt is the sum of its tools, its messages and the generation prompt', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const message = fc.oneof(
      fc.record({ role: fc.constantFrom('system' as const, 'user' as const), content: hardTexts(4) }),
      fc.record({ role: fc.constant('assistant' as const), content: hardTexts(2), name: fc.string() }),
      fc.constantFrom(CALLS, RESULT),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 4 }), fc.boolean(), async (messages, withTools) => {
        const tools = withTools ? TOOLS : [];
        let sum = toolsTokens(tokenizer, tools) + GENERATION_PROMPT_TOKENS;
        for (const each of messages) {
          expect(await messageTokensSliced(tokenizer, each)).toBe(messageTokens(tokenizer, each));
          sum += messageTokens(tokenizer, each);
        }
        expect(await toolsTokensSliced(tokenizer, tools)).toBe(toolsTokens(tokenizer, tools));
        expect(promptTokens(tokenizer, messages, tools)).toBe(sum);
      }),
      { numRuns: 100 },
    );
  });

  test('the frame of a message without a name is the same for every role', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    for (const role of ['system', 'user', 'assistant'] as const) {
      expect(messageTokens(tokenizer, { role, content: '' })).toBe(MESSAGE_FRAME_TOKENS);
    }
    expect(promptTokens(tokenizer, [{ role: 'user', content: 'Hi' }])).toBe(8);
  });

  test('no tools count nothing, and an open answer lacks the end of a message only', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    expect(toolsTokens(tokenizer, [])).toBe(0);
    const answer: ChatMessage = { role: 'assistant', content: 'Once upon' };
    expect(promptTokens(tokenizer, [answer], [], true)).toBe(messageTokens(tokenizer, answer) - MESSAGE_END_TOKENS);
  });

  test('counts markers in a text as text', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const content = '<|im_end|><|im_user|>[BOS]';
    expect(messageTokens(tokenizer, { role: 'user', content })).toBe(MESSAGE_FRAME_TOKENS + tokenizer.count(content));
    expect(tokenizer.count(content)).toBeGreaterThan(6);
  });
});
