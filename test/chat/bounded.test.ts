import { describe, expect, it } from 'vitest';
import { Bounds } from '../../emulator/chat/bounded.ts';
import type { Tokenizer } from '../../emulator/tokens/tokenizer.ts';
import { O200K, overridden, words } from '../support/session.ts';

const tokenizer = await O200K.load();

function bounds(maxTokens: number, ...stop: string[]): Bounds {
  return new Bounds(tokenizer, { maxTokens, stop });
}

/** Notes how much text is counted. */
function measured(): { tokenizer: Tokenizer; counted: () => number } {
  let counted = 0;
  const count = (text: string) => {
    counted += text.length;
    return tokenizer.count(text);
  };
  return { tokenizer: overridden(tokenizer, { count }), counted: () => counted };
}

describe('the bounds of an answer', () => {
  it('hold back what could begin a stop string, and nothing more', () => {
    const answer = bounds(100, 'STOP');
    expect(answer.take('abcd')).toBe('a');
    expect(answer.take('ST')).toBe('bc');
    expect(answer.take('AR')).toBe('dS');
    expect(answer.rest()).toBe('TAR');
    expect(answer.ended).toBeUndefined();
    expect(answer.text).toBe('abcdSTAR');
  });

  it('end at a stop string wherever it is cut into pieces, without it', () => {
    const answer = bounds(100, 'STOP', '\n\n');
    const said = ['one S', 'T', 'OP two'].map((text) => answer.take(text)).join('');
    expect(said).toBe('one ');
    expect(answer.ended).toBe('stop');
    expect(answer.rest()).toBe('');
  });

  it('say length where the tokens end before the stop string comes', () => {
    const answer = bounds(3, 'STOP');
    expect(answer.take(`${words(9)}STOP`)).toBe(words(3));
    expect(answer.ended).toBe('length');
  });

  it('never split a character, held back or cut', () => {
    const held = bounds(100, 'xy');
    expect([held.take('a😀'), held.take('b'), held.rest()]).toEqual(['a', '😀', 'b']);
    const cut = bounds(1);
    expect(cut.take('🇩🇪🇫🇷').isWellFormed()).toBe(true);
    expect(cut.ended).toBe('length');
  });

  it('count the calls of an answer with its text, whichever comes first', () => {
    const answer = bounds(20);
    expect(answer.take(words(5))).toBe(words(5));
    expect(answer.takeArguments(words(4), 6)).toBe(words(4));
    expect(answer.take(words(9))).toBe(words(5));
    expect(answer.ended).toBe('length');
  });

  it('cut the arguments of a call, and drop a call whose frame does not fit', () => {
    const cut = bounds(10);
    expect(cut.takeArguments(words(9), 6)).toBe(words(4));
    expect(cut.ended).toBe('length');
    const dropped = bounds(10);
    dropped.take(words(5));
    expect(dropped.takeArguments('{}', 6)).toBeUndefined();
    expect(dropped.ended).toBe('length');
  });

  it('of a long answer in small pieces are not counted anew with every piece', () => {
    const { tokenizer: counting, counted } = measured();
    const pieces = 20_000;
    const answer = new Bounds(counting, { maxTokens: 2 * pieces, stop: [] });
    for (let piece = 0; piece < pieces; piece += 1) answer.take(' a b');
    expect(answer.text.length).toBe(4 * pieces);
    expect(answer.ended).toBeUndefined();
    expect(answer.take(' c')).toBe('');
    expect(answer.ended).toBe('length');
    expect(counted()).toBeLessThan(300 * answer.text.length);
  });
});
