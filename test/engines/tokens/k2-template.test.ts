import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatMessage, Tool } from '../../../contract/messages.ts';
import {
  K2_TEMPLATE,
  messageTokens,
  PromptCounter,
  type PromptSettings,
  toolsTokens,
} from '../../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../../emulator/engines/tokens/tokenizer.ts';
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

const PLAIN: PromptSettings = {
  thinking: false,
  effort: 'max',
  toolChoice: 'auto',
  responseFormat: { type: 'text' },
};

/** `<|im_user|>`, the role, `<|im_middle|>` and `<|im_end|>`. */
const FRAME_TOKENS = 4;

/** Tokens of a whole prompt, part by part. */
async function countPrompt(tokenizer: Tokenizer, { messages, tools, partial }: Omit<Prompt, 'what' | 'prompt'>) {
  const counter = new PromptCounter(tokenizer, K2_TEMPLATE);
  let sum = (await counter.tools(tools)) + (await counter.request(PLAIN, partial));
  for (const message of messages) sum += (await counter.message(message)).tokens;
  return sum;
}

describe.each(VOCABULARIES)('with $name', ({ name }) => {
  test.for(PROMPTS)('$what counts what the template of K2-0905 says', async ({ prompt, ...parts }, context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const markers = prompt.match(new RegExp(MARKER, 'g'))?.length ?? 0;
    const texts = prompt.split(MARKER).reduce((sum, text) => sum + tokenizer.count(text), 0);
    expect(await countPrompt(tokenizer, parts)).toBe(markers + texts);
  });

  test('counting in slices and at once agree on any message and tools of K2-0905', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const counter = new PromptCounter(tokenizer, K2_TEMPLATE);
    const message = fc.oneof(
      fc.record({ role: fc.constantFrom('system' as const, 'user' as const), content: hardTexts(4) }),
      fc.record({ role: fc.constant('assistant' as const), content: hardTexts(2), name: fc.string() }),
      fc.constantFrom(CALLS, RESULT),
    );
    await fc.assert(
      fc.asyncProperty(message, async (each) => {
        expect(await counter.message(each)).toEqual({ tokens: messageTokens(tokenizer, each), reasoning: 0 });
      }),
      { numRuns: 100 },
    );
    expect(await counter.tools(TOOLS)).toBe(toolsTokens(tokenizer, TOOLS));
    expect(await counter.tools([])).toBe(0);
  });

  test('the frame of a message of K2-0905 without a name is the same for every role', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    for (const role of ['system', 'user', 'assistant'] as const) {
      expect(messageTokens(tokenizer, { role, content: '' })).toBe(FRAME_TOKENS);
    }
    expect(
      await countPrompt(tokenizer, { messages: [{ role: 'user', content: 'Hi' }], tools: [], partial: false }),
    ).toBe(8);
  });

  test('counts markers in a text as text', async (context) => {
    const tokenizer = await tokenizerNamed(name, context);
    const content = '<|im_end|><|im_user|>[BOS]';
    expect(messageTokens(tokenizer, { role: 'user', content })).toBe(FRAME_TOKENS + tokenizer.count(content));
    expect(tokenizer.count(content)).toBeGreaterThan(6);
  });
});
