import { expect, it } from 'vitest';
import { declareTools } from '../../../emulator/engines/tokens/tool-declarations.ts';
import { readShared } from '../../support/shared.ts';
import { tokenizerNamed } from './under-test.ts';

interface OfficialList {
  tools: { function: { name: string; description?: string; parameters?: unknown } }[];
  typescript: string;
  tokens: number;
}

it('declares 138 lists of public tools in the text of the official encoder, and counts them as it does', async (context) => {
  const lists = readShared(context, 'toolLists')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as OfficialList);
  expect(lists).toHaveLength(138);
  const kimi = await tokenizerNamed('kimi-k2', context);
  for (const { tools, typescript, tokens } of lists) {
    expect(declareTools(tools)).toBe(typescript);
    expect(kimi.count(declareTools(tools))).toBe(tokens);
  }
});

const text = { type: 'string' };

it('declares what the public lists do not hold: definitions, defaults, types in a list, and rests', () => {
  const f = {
    name: 'f',
    description: 'Do it.',
    parameters: {
      type: 'object',
      required: ['z'],
      properties: {
        z: { type: 'string', enum: ['a', 'b'], description: 'zed', default: 'a' },
        a: { type: 'integer', minimum: 1, maximum: 5 },
        l: { type: 'array', items: text },
        o: { type: 'object', properties: { q: { anyOf: [text, { type: 'null' }] } }, additionalProperties: false },
        u: { type: ['string', 'integer'] },
        n: { $ref: '#/$defs/N' },
      },
      $defs: { N: { type: 'object', properties: { v: text }, required: ['v'] } },
    },
  };
  const ping = { name: 'ping', parameters: { type: 'object', properties: {} } };
  const tools = [f, ping, { name: 'np' }].map((tool) => ({ function: tool }));
  expect(declareTools(tools)).toBe(`# Tools

## functions
namespace functions {
interface N {
  v: string
}
// Do it.
type f = (_: {
  // zed
  // Default: "a"
  z: "a" | "b",
  // maximum: 5, minimum: 1
  a?: number,
  l?: Array<string>,
  n?: N,
  o?: {
    q?: string | null,
    [k: string]: never
  },
  u?: string | number
}) => any;
type ping = (_: {}) => any;
type np = (_: {}) => any;
}
`);
});
