import type { Schema, SchemaDocument } from './schema.ts';
import { isValid, textFormat } from './validate.ts';

/** Fills a text where the context holds none: says so where the schema allows it. */
const FILLER = 'NOT_FOUND';
const MAX_LENGTH = 65_536;

const numberIn = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** A text valid under the schema's own keywords, another for each `variant`, as far as there are any. */
export function fillText(schema: Schema, variant: number, document: SchemaDocument): string {
  const min = Math.min(numberIn(schema.minLength) ?? 0, MAX_LENGTH);
  const max = Math.max(numberIn(schema.maxLength) ?? MAX_LENGTH, 0);
  if (!document.spend(min)) return '';
  if (typeof schema.pattern === 'string') {
    const spend = (steps: number): boolean => document.spend(steps);
    const text = document.pattern(schema.pattern)?.example(min, max, variant, spend);
    if (text !== undefined) return text;
  }
  const format = textFormat(schema.format);
  if (format !== undefined) return stretched(format.example(variant), min, format.test);
  const suffix = variant === 0 ? '' : `_${variant}`;
  if (FILLER.length + suffix.length <= max) return `${(FILLER + suffix).padEnd(min, '_')}`;
  return letters(variant, max);
}

/** A text of a format made as long as it must be, before its `@` or at its end, where that keeps it one. */
function stretched(text: string, min: number, fits: (text: string) => boolean): string {
  const more = 'x'.repeat(Math.max(0, min - text.length));
  return [text.replace('@', `${more}@`), text + more].find((other) => other.length >= min && fits(other)) ?? text;
}

/** `N`, `O`, `P` … of at most `max` letters. */
function letters(variant: number, max: number): string {
  if (variant === 0 || max === 0) return FILLER.slice(0, max);
  const digits = variant.toString(26).slice(-max);
  return [...digits]
    .map((digit) => String.fromCharCode(65 + Number.parseInt(digit, 26)))
    .join('')
    .padStart(max, 'A');
}

/** A number valid under the schema's own keywords: 0 if it may be, else the nearest allowed one; others for the variants. */
export function fillNumber(schema: Schema, integer: boolean, variant: number, document: SchemaDocument): number {
  const step = numberIn(schema.multipleOf) ?? 1;
  const whole = integer && !Number.isInteger(step) ? wholeMultiple(step) : step;
  const low = numberIn(schema.exclusiveMinimum) ?? numberIn(schema.minimum) ?? -Infinity;
  const high = numberIn(schema.exclusiveMaximum) ?? numberIn(schema.maximum) ?? Infinity;
  const nearest = low > 0 ? Math.ceil(low / whole) : high < 0 ? Math.floor(high / whole) : 0;
  const own = { ...schema, type: integer ? 'integer' : 'number' };
  // Another step where the nearest is excluded, the other way where the range ends.
  const steps = [variant, variant + 1, -variant, -variant - 1].map((distance) => rounded((nearest + distance) * whole));
  const between = low + ((high - low) * (variant + 1)) / (variant + 2);
  return [...steps, between, nearest * whole].find((value) => isValid(value, own, document)) ?? 0;
}

/** Least whole number that is a multiple of a fraction such as 0.5 or 2.5. */
function wholeMultiple(step: number): number {
  for (let factor = 1; factor <= 1_000; factor += 1)
    if (Number.isInteger(rounded(step * factor))) return rounded(step * factor);
  return 1;
}

/** Undoes what binary fractions add: 0.1 × 3. Adding 0 turns −0 into 0. */
const rounded = (value: number): number => Number(value.toPrecision(12)) + 0;
