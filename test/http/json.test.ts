import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveLimits } from '../../contract/limits.ts';
import { ApiError } from '../../emulator/api-error.ts';
import { parseJson } from '../../emulator/http/request-body.ts';
import { runs } from '../support/runs.ts';

const LIMITS = resolveLimits({ json_depth: 8, json_values: 100 });

function parse(text: string): unknown {
  return parseJson(new TextEncoder().encode(text), LIMITS);
}

function refusal(text: string | Uint8Array): { message: string; param: string | undefined } {
  try {
    parseJson(typeof text === 'string' ? new TextEncoder().encode(text) : text, LIMITS);
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    const { code, message, param } = error as ApiError;
    expect(code).toBe('invalid_request');
    return { message, param };
  }
  throw new Error('it was accepted');
}

describe('a JSON body', () => {
  it('is what JSON.parse makes of it, or refused where that throws', () => {
    const text = fc.oneof(fc.json({ maxDepth: 6 }), fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0d8 1e-+.tn') }));
    const plain = (value: string) => {
      try {
        return { value: JSON.parse(value) as unknown };
      } catch {
        return undefined;
      }
    };
    const property = fc.property(text, (value) => {
      const expected = plain(value);
      if (expected && !/\\u[dD][89a-fA-F]/.test(value)) expect(parse(value)).toEqual(expected.value);
      else if (!expected) expect(() => parse(value)).toThrow(ApiError);
    });
    fc.assert(property, { numRuns: runs(500) });
  });

  it('keeps NUL, control characters and pairs of surrogates', () => {
    expect(parse('["\\u0000","\\u001f","\\ud83d\\ude00","😀"]')).toEqual(['\0', '\u001f', '😀', '😀']);
  });

  it('keeps a __proto__ key as data, and pollutes nothing', () => {
    const text = '{"__proto__":{"polluted":true}}';
    const value = parse(text) as object;
    expect(JSON.stringify(value)).toBe(text);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });

  it('takes nesting up to json_depth and no deeper, counting outside of strings only', () => {
    const allowed = [
      `${'['.repeat(8)}${']'.repeat(8)}`,
      `["${'['.repeat(99)}","\\"[[[[[[[[["]`,
      `[${'[],'.repeat(40)}[]]`,
    ];
    for (const text of allowed) expect(parse(text)).toEqual(JSON.parse(text));
    expect(refusal(`${'['.repeat(9)}${']'.repeat(9)}`).message).toContain('json_depth');
    expect(refusal('{"a":'.repeat(9)).message).toContain('8 levels (json_depth)');
  });

  it('takes up to json_values values, counting outside of strings only', () => {
    expect(parse(`[${'0,'.repeat(98)}0]`)).toHaveLength(99);
    expect(parse(`["${','.repeat(200)}"]`)).toHaveLength(1);
    expect(refusal(`[${'0,'.repeat(100)}0]`).message).toContain('more than 100 values (json_values)');
    expect(refusal(`{"a":[${'{},'.repeat(100)}{}]}`).message).toContain('json_values');
  });

  it.each([
    ['a high surrogate', '{"a":{"b":["x","\\ud83d"]}}', 'a.b[1]'],
    ['a low surrogate', '{"a":"\\ude00"}', 'a'],
    ['a pair the wrong way round', '{"a":"\\ude00\\ud83d"}', 'a'],
    ['a key', '{"a":{"\\ud83d":1}}', 'a'],
    ['a bare string', '"\\ud83d"', undefined],
  ])('refuses a lone surrogate in %s, naming where it stands', (_, text, param) => {
    expect(refusal(text)).toMatchObject({ param, message: expect.stringContaining('lone surrogate') });
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(Uint8Array.of(0x22, 0xff, 0x22)).message).toContain('UTF-8');
    // A surrogate written in UTF-8, which no Unicode text holds.
    expect(refusal(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)).message).toContain('UTF-8');
  });

  it('says where JSON breaks off, and nothing of what it holds', () => {
    const { message } = refusal('{"secret": hunter2}');
    expect(message).toContain('not valid JSON');
    expect(message).not.toContain('hunter2');
  });
});
