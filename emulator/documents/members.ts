import * as z from 'zod';

/** An object of exactly these members: an unknown one is refused with the list of the right ones. */
export function members<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const unknown = (issue.keys ?? []).map((key) => JSON.stringify(key)).join(', ');
      return `${unknown} is unknown here; the members are ${names}`;
    },
  });
}
