import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Tool } from '../../../contract/messages.ts';
import { K3_TEMPLATE } from '../../../emulator/engines/tokens/k3-template.ts';
import { countPieces, PromptCounter } from '../../../emulator/engines/tokens/prompt.ts';
import { compareCodePoints } from '../../../emulator/engines/tokens/tool-declarations.ts';
import { runs } from '../../support/runs.ts';
import { O200K, overridden } from '../../support/session.ts';

function named(name: string): Tool[] {
  return [{ type: 'function', function: { name, description: `What ${name} does.` } }];
}

it('a list of tools that is sent again is not counted again, and one that differs is', async () => {
  const tokenizer = await O200K.load();
  let counted = 0;
  const watched = overridden(tokenizer, {
    count: (text) => {
      counted += 1;
      return tokenizer.count(text);
    },
    countSliced: (text) => {
      counted += 1;
      return tokenizer.countSliced(text);
    },
  });
  const counter = new PromptCounter(watched, K3_TEMPLATE);
  const expected = countPieces(tokenizer, K3_TEMPLATE.tools(named('look')));
  expect(await counter.tools(named('look'))).toBe(expected);
  const once = counted;
  expect(once).toBeGreaterThan(0);
  expect(await counter.tools(named('look'))).toBe(expected);
  expect(counted).toBe(once);
  expect(await counter.tools(named('look_at_it_all'))).toBeGreaterThan(expected);
  expect(counted).toBeGreaterThan(once);
  // What is remembered is bounded: after many others the first is counted anew.
  for (let place = 0; place < 300; place += 1) await counter.tools(named(`f${place}`));
  const many = counted;
  expect(await counter.tools(named('look'))).toBe(expected);
  expect(counted).toBeGreaterThan(many);
});

it('keys are in the order of their code points, as Python sorts them', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\uffee', '😀', '𝔘', '1'), maxLength: 4 });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(compareCodePoints(one, other)).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)));
    }),
    { numRuns: runs(500) },
  );
});
