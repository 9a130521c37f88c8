import type { Mutant } from '../../mutant.ts';
import type { Handler } from '../../proxy.ts';
import type { Sent } from '../../rewrites.ts';

export const mutant = (name: string, broken: string, kills: [string, ...string[]], handler: () => Handler): Mutant => ({
  id: `pins.${name}`,
  area: 'pins',
  broken,
  killedBy: kills,
  handler,
});

export const unpinned = ({ pinned, ...message }: Sent): Sent => message as Sent;
