import * as z from 'zod';
import type { Limits } from './limits.ts';

/**
 * Pairs of texts, kept as they are sent. Not a `z.record`, which leaves out a key of the name `__proto__`: to whoever sends it,
 * that is a key as any other.
 */
export function metadata(limits: Limits) {
  const key = z.string().max(limits.metadata_key_chars);
  const value = z.string().max(limits.metadata_value_chars);
  return z
    .custom<Record<string, string>>()
    .superRefine((pairs: unknown, context) => {
      if (typeof pairs !== 'object' || pairs === null || Array.isArray(pairs)) {
        context.addIssue({ code: 'invalid_type', expected: 'record', input: pairs });
        return;
      }
      const entries = Object.entries(pairs);
      if (entries.length > limits.metadata_pairs) context.addIssue(`at most ${limits.metadata_pairs} pairs`);
      for (const [name, text] of entries.slice(0, limits.metadata_pairs)) {
        const { error: wrongKey } = key.safeParse(name);
        if (wrongKey) {
          context.addIssue({
            code: 'invalid_key',
            origin: 'record',
            issues: wrongKey.issues,
            path: [name],
            input: pairs,
          });
        }
        for (const issue of value.safeParse(text).error?.issues ?? []) {
          context.addIssue({ ...issue, path: [name], input: text });
        }
      }
    })
    .meta({
      type: 'object',
      propertyNames: { type: 'string', maxLength: limits.metadata_key_chars },
      additionalProperties: { type: 'string', maxLength: limits.metadata_value_chars },
    });
}
