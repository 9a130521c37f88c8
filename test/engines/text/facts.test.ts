import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { facts } from '../../../emulator/engines/text/facts.ts';

const pairs = (text: string): string[] => facts(text).map(({ key, value }) => `${key} → ${value}`);

describe('facts', () => {
  test.each<[string, string[]]>([
    // key: value
    [
      'name: Bob Smith, age: 42, address: 12 Main St, Paris; ok',
      ['name → Bob Smith', 'age → 42', 'address → 12 Main St, Paris'],
    ],
    ['- **User ID:** mia_li\n1. Departure: 06:00 AM EST.', ['User ID → mia_li', 'Departure → 06:00 AM EST']],
    ['**Price** (USD): 5.50', ['Price → 5.50']],
    ['error: ENOENT: no such file', ['error → ENOENT: no such file', 'ENOENT → no such file']],
    ['The code is: "A: b"', ['code → A: b']],
    ['at 10:30 see https://a.b/c, std::map and C:\\dir', []],
    ['Quick question: what is the code?', []],
    // key = value
    ['const maxKeep = 180_000;\nif (a == b) x <= 3; y => z; c += 1', ['maxKeep → 180_000']],
    [
      'level=info msg="hello world" code=5 q=a&b=2',
      ['level → info', 'msg → hello world', 'code → 5', 'q → a', 'b → 2'],
    ],
    ['cfg["max_size"] = 10', ['max_size → 10']],
    // JSON
    [
      '{"user_id":"mia","n":42,"a":{"b": [1,2], "c":null},"t":"say \\"hi\\""}',
      ['user_id → mia', 'n → 42', 'a → {"b": [1,2], "c":null}', 'b → [1,2]', 'c → null', 't → say "hi"'],
    ],
    ['{\n  "city": "Paris",\n  "days": 3\n}', ['city → Paris', 'days → 3']],
    ['{"arguments": "{\\"city\\": \\"Paris\\"}"}', ['arguments → {"city": "Paris"}', 'city → Paris']],
    // key is value
    ['Remember that the access code of the vault is 7391. Thanks!', ['access code of the vault → 7391']],
    ['My name is Alice and the city is Oslo.', ['name → Alice', 'city → Oslo']],
    ['I think the code is 12, so be careful.', ['code → 12']],
    ['The launch code was changed to 99-XY.', ['launch code → 99-XY']],
    ['Is the code 13? Do you know if the code is 14? What is the code? This is it.', []],
    // Chinese
    ['金库的密码是 7391。请记住，项目代号为“青鸾”。', ['金库的密码 → 7391', '项目代号 → 青鸾']],
    ['会议室：三楼302，联系人：王强', ['会议室 → 三楼302', '联系人 → 王强']],
    ['密码已改为 5555', ['密码 → 5555']],
    ['密码是多少？密码是什么？他不是好人，因为下雨，但是认为还是好。', []],
  ])('of %j', (text, expected) => {
    expect(pairs(text)).toEqual(expected);
  });

  test('spans from the key to the end of the value', () => {
    const text = 'We know: {"a": "b c"}, and the code of the gate is 7.';
    const spans = facts(text).map(({ start, end }) => text.slice(start, end));
    expect(spans).toContain('"a": "b c"');
    expect(spans).toContain('code of the gate is 7');
  });

  const key = fc.stringMatching(/^[a-z]{3,8}(_[a-z]{2,6})?$/).filter((name) => name !== 'this' && name !== 'that');
  const leaf = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9 "\\]{1,20}$/).filter((text) => text.trim() !== ''),
    fc.integer(),
    fc.boolean(),
  );

  test.each([0, 2])('finds every leaf of JSON written with %d spaces', (indent) => {
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, { maxKeys: 3 })), { maxKeys: 5 }),
        (object) => {
          const found = pairs(JSON.stringify(object, null, indent));
          const leaves = Object.entries(object).flatMap(([name, value]) =>
            typeof value === 'object' ? Object.entries(value) : [[name, value]],
          );
          for (const [name, value] of leaves) expect(found).toContain(`${name} → ${value}`);
        },
      ),
    );
  });

  test('stays in the text, in order, whatever the text', () => {
    const part = fc.constantFrom(
      'code',
      ' ',
      ': ',
      '=',
      '"',
      '\\"',
      '{',
      '}',
      ' is ',
      '是',
      '为',
      '，',
      '。',
      '金库',
      '\n',
      '.',
      ', ',
      '?',
      '🙂',
      '\ud83d',
      '**',
      '(',
      ')',
      '7',
      '：',
      '…',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 80 }), (parts) => {
        const text = parts.join('');
        let last = 0;
        for (const { key, value, start, end } of facts(text)) {
          expect(key).toMatch(/[\p{L}\p{N}]/u);
          expect(value.trim()).not.toBe('');
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          expect(end).toBeGreaterThan(last);
          last = start;
        }
      }),
    );
  });

  test.each([
    ':',
    'k: ',
    '":',
    'k=',
    '金库是',
    'code is ',
    '{"a":[',
    'k: ,',
    '\\"',
    'a):(',
    '"k": "',
    ' ',
    `k: ${',b'.repeat(99)}`,
  ])('ends on 150,000 units of %j', (unit) => {
    for (const { start, end } of facts(unit.repeat(150_000 / unit.length))) expect(end - start).toBeLessThan(1_000);
  });
});
