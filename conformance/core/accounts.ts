import { randomUUID } from 'node:crypto';
import type { Target } from '../targets/target.ts';
import type { Api } from '../wire/api.ts';
import { clear } from './clean-up.ts';
import type { Accounts } from './trial.ts';
import { NotRun } from './verdict.ts';

/** How the main account is called in ledgers and reports. */
export const MAIN = 'A';

/** The accounts of a target, one set for each case. */
export function accountsOf(target: Target, open: (key: string, account: string) => Api): Accounts {
  const main = open(target.keys.a, MAIN);
  return {
    main,
    second() {
      if (target.keys.b === undefined) throw new NotRun('needs a second account (KIMI_API_KEY_B)');
      return open(target.keys.b, 'B');
    },
    async empty() {
      if (target.newKey) {
        // Ledgers and reports name accounts, and must not name keys.
        return open(target.newKey(), `new-${randomUUID()}`);
      }
      if (!target.dedicated) throw new NotRun('fills and empties the account: needs --dedicated-account');
      await clear(main);
      return main;
    },
  };
}
