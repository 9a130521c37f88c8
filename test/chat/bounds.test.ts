import { describe, expect, it } from 'vitest';
import { Bounds } from '../../emulator/chat/reply.ts';
import { K2_TEMPLATE, PromptCounter } from '../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { O200K, overridden, words } from '../support/session.ts';

const tokenizer = await O200K.load();

/** An answer of K2-0905, which writes no markup. */
const BARE = new PromptCounter(tokenizer, K2_TEMPLATE).markup(false, false);

function bounds(maxTokens: number, ...stop: string[]): Bounds {
  return new Bounds(tokenizer, { maxTokens, stop }, BARE);
}

/** Notes how much text is counted. */
function measured(): { tokenizer: Tokenizer; counted: () => number } {
  let counted = 0;
  const countSliced = (text: string) => {
    counted += text.length;
    return tokenizer.countSliced(text);
  };
  return { tokenizer: overridden(tokenizer, { countSliced }), counted: () => counted };
}

describe('the bounds of an answer', () => {
  it('hold back what could begin a stop string, and nothing more', async () => {
    const answer = bounds(100, 'STOP');
    expect(await answer.push('abcd')).toBe('a');
    expect(await answer.push('ST')).toBe('bc');
    expect(await answer.push('AR')).toBe('dS');
    expect(await answer.rest()).toBe('TAR');
    expect(answer.ended).toBeUndefined();
    expect(answer.text).toBe('abcdSTAR');
  });

  it('end at a stop string wherever it is cut into pieces, without it', async () => {
    const answer = bounds(100, 'STOP', '\n\n');
    let said = '';
    for (const text of ['one S', 'T', 'OP two']) said += await answer.push(text);
    expect(said).toBe('one ');
    expect(answer.ended).toBe('stop');
    expect(await answer.rest()).toBe('');
  });

  it('say length where the tokens end before the stop string comes', async () => {
    const answer = bounds(3, 'STOP');
    expect(await answer.push(`${words(9)}STOP`)).toBe(words(3));
    expect(answer.ended).toBe('length');
  });

  it('never split a character, held back or cut', async () => {
    const held = bounds(100, 'xy');
    expect([await held.push('a😀'), await held.push('b'), await held.rest()]).toEqual(['a', '😀', 'b']);
    const cut = bounds(1);
    expect((await cut.push('🇩🇪🇫🇷')).isWellFormed()).toBe(true);
    expect(cut.ended).toBe('length');
  });

  it('count the calls of an answer with its text, whichever comes first', async () => {
    const answer = bounds(20);
    expect(await answer.push(words(5))).toBe(words(5));
    expect(await answer.pushArguments(words(4), 6, 10)).toBe(words(4));
    expect(await answer.push(words(9))).toBe(words(5));
    expect(answer.ended).toBe('length');
  });

  it('cut the arguments of a call, and drop a call whose frame does not fit', async () => {
    const cut = bounds(10);
    expect(await cut.pushArguments(words(9), 6, 15)).toBe(words(4));
    expect(cut.ended).toBe('length');
    const dropped = bounds(10);
    await dropped.push(words(5));
    expect(await dropped.pushArguments('{}', 6, 8)).toBeUndefined();
    expect(dropped.ended).toBe('length');
  });

  it('do not recount a long answer with every small piece', async () => {
    const { tokenizer: counting, counted } = measured();
    const pieces = 20_000;
    const answer = new Bounds(counting, { maxTokens: 2 * pieces, stop: [] }, BARE);
    for (let piece = 0; piece < pieces; piece += 1) await answer.push(' a b');
    expect(answer.text.length).toBe(4 * pieces);
    expect(answer.ended).toBeUndefined();
    expect(await answer.push(' c')).toBe('');
    expect(answer.ended).toBe('length');
    expect(counted()).toBeLessThan(300 * answer.text.length);
  });
});
