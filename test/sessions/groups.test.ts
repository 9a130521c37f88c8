import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../contract/messages.ts';
import { pair } from '../../emulator/sessions/append.ts';
import { runs } from '../support/runs.ts';

type Paired = Pick<ChatMessage, 'role' | 'tool_calls' | 'tool_call_id'>;

const plain: Paired = { role: 'user' };

function calling(ids: readonly string[]): Paired {
  const tool_calls = ids.map((id) => ({ id, type: 'function' as const, function: { name: 'look', arguments: '' } }));
  return { role: 'assistant', tool_calls };
}

function answering(id: string): Paired {
  return { role: 'tool', tool_call_id: id };
}

describe('pairing new messages with a history', () => {
  it('makes a plain message a group, and calls one with all their results, in any order', () => {
    const messages = [plain, calling(['a', 'b']), answering('b'), answering('a'), plain];
    expect(pair([], messages)).toEqual({ opensGroup: [true, true, false, false, true], open: [] });
  });

  it('goes on where the history has left calls open', () => {
    const newest = [calling(['a', 'b']), answering('a')];
    expect(pair(newest, [answering('b'), plain])).toEqual({ opensGroup: [false, true], open: [] });
    expect(pair(newest, [])).toEqual({ opensGroup: [], open: ['b'] });
    expect(pair(newest, [plain])).toEqual({ kind: 'unanswered', ids: ['b'], index: 0 });
  });

  it('finds a result without its call, or with one that is answered', () => {
    expect(pair([], [plain, answering('a')])).toEqual({ kind: 'orphan', ids: ['a'], index: 1 });
    expect(pair([calling(['a']), answering('a')], [answering('a')])).toMatchObject({ kind: 'orphan' });
    expect(pair([], [calling(['a']), answering('a'), answering('a')])).toMatchObject({ kind: 'orphan', index: 2 });
    expect(pair([calling(['a'])], [answering('b')])).toEqual({ kind: 'orphan', ids: ['b'], index: 0 });
  });

  it('lets an id be used again once it is answered, and never twice in one message', () => {
    expect(pair([calling(['a']), answering('a')], [calling(['a']), answering('a')])).toMatchObject({ open: [] });
    expect(pair([], [calling(['a', 'b', 'a'])])).toEqual({ kind: 'duplicate', ids: ['a'], index: 0 });
  });

  it('takes two hundred thousand calls as easily as two', () => {
    const ids = Array.from({ length: 200_000 }, (_, index) => `call-${index}`);
    const pairing = pair([], [calling(ids)]);
    expect('open' in pairing && pairing.open.length).toBe(ids.length);
  });

  it('accepts a list whole exactly where it accepts it in parts', () => {
    const id = fc.constantFrom('a', 'b', 'c');
    const message = fc.oneof(fc.constant(plain), fc.uniqueArray(id, { minLength: 1 }).map(calling), id.map(answering));
    const property = fc.property(fc.array(message, { maxLength: 8 }), fc.nat(8), (messages, at) => {
      const whole = pair([], messages);
      const first = pair([], messages.slice(0, at));
      if ('kind' in first) {
        expect(whole).toEqual(first);
        return;
      }
      const place = first.opensGroup.lastIndexOf(true);
      const rest = pair(place === -1 ? [] : messages.slice(place, at), messages.slice(at));
      if ('kind' in rest) {
        // Which message answered before is told of the same list only.
        const { first: _, ...fault } = { first: undefined, ...rest, index: rest.index + Math.min(at, messages.length) };
        expect(whole).toMatchObject(fault);
      } else expect(whole).toEqual({ opensGroup: [...first.opensGroup, ...rest.opensGroup], open: rest.open });
    });
    const twice: [Paired[], number] = [[calling(['a']), answering('a'), answering('a')], 1];
    fc.assert(property, { numRuns: runs(500), examples: [twice] });
  });

  it('says which message of the list answered the call before', () => {
    expect(pair([], [calling(['a']), answering('a'), answering('a')])).toMatchObject({ index: 2, first: 1 });
    expect(pair([calling(['a']), answering('a')], [answering('a')])).not.toHaveProperty('first');
  });
});
