import { SMALL_LIMITS } from '../../targets/emulator.ts';
import type { Mutant } from '../mutant.ts';
import { on } from '../proxy.ts';

export const TRUNCATE_MUTANTS: readonly Mutant[] = [
  {
    id: 'truncate.under-minimum-accepted',
    area: 'truncate',
    broken: 'a preserve_len below the minimum is accepted',
    killedBy: ['truncate.minimum/less-refused'],
    handler: () =>
      on('POST', '/v1/sessions/:id/truncate', ({ body }, forward) => {
        const { preserve_len, ...rest } = body as { preserve_len: number };
        return forward({ body: { ...rest, preserve_len: Math.max(preserve_len, SMALL_LIMITS.min_preserve_tokens) } });
      }),
  },
];
