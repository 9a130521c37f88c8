import fc from 'fast-check';
import { expect, it } from 'vitest';
import { preview } from '../../conformance/core/expect.ts';
import { redactor } from '../../conformance/wire/exchanges.ts';

const KEY = 'sk-live-0123456789abcdef';
const SHARE = 'shr_fedcba9876543210';
const redact = redactor([KEY], [SHARE]);

it('redacts keys and share ids anywhere, also where a text was cut inside one', () => {
  const property = fc.property(fc.nat(400), fc.constantFrom(KEY, SHARE), fc.nat(400), (before, secret, after) => {
    const text = redact(preview(`${'a'.repeat(before)}${secret}${'b'.repeat(after)}`));
    expect(text).not.toContain(secret.slice(0, 6));
  });
  fc.assert(property, { numRuns: 300 });
});

it('redaction shortens long texts, and changes nothing else', () => {
  expect(redact('a plain text… (12 characters)')).toBe('a plain text… (12 characters)');
  expect(redact('x'.repeat(2_000))).toHaveLength('… (2000 characters)'.length + 1_000);
});
