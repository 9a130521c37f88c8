const CHANGED = 6;

/** An id of the same shape that nobody was given. */
export function neverWas(id: string): string {
  let left = CHANGED;
  const characters = [...id].reverse().map((character) => {
    if (left === 0 || !/[0-9a-zA-Z]/.test(character)) return character;
    left -= 1;
    return character === '0' ? '1' : '0';
  });
  return characters.reverse().join('');
}
