import { describe, expect, it } from 'vitest';
import { randomIds } from '../emulator/ids.ts';

const COUNT = 5_000;
const BITS = 96;

describe('ids that nobody fixes', () => {
  it.each(['share', 'session', 'snapshot'] as const)('of a %s hold 96 bits, none of which can be told', (kind) => {
    const ids = randomIds();
    const made = Array.from({ length: COUNT }, () => ids(kind));
    expect(new Set(made).size).toBe(COUNT);
    const numbers = made.map((id) => BigInt(`0x${/_([0-9a-f]{24})$/.exec(id)?.[1]}`));
    for (let bit = 0n; bit < BITS; bit += 1n) {
      const set = numbers.filter((number) => (number >> bit) & 1n).length;
      // Seven standard deviations: a fair bit is not beyond them in the life of this project.
      expect(Math.abs(set / COUNT - 0.5), `bit ${bit}`).toBeLessThan(0.05);
    }
    // Nor does one follow from the one before.
    for (let bit = 0n; bit < BITS; bit += 1n) {
      const same = numbers.slice(1).filter((number, place) => (((numbers[place] ?? 0n) ^ number) >> bit) & 1n).length;
      expect(Math.abs(same / (COUNT - 1) - 0.5), `bit ${bit}`).toBeLessThan(0.05);
    }
  });

  it('are others in another server', () => {
    const [one, two] = [randomIds(), randomIds()];
    expect(one('share')).not.toBe(two('share'));
    expect(one('share', 'the same')).not.toBe(two('share', 'the same'));
  });
});
