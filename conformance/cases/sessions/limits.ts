import { resolveLimits } from '../../../contract/limits.ts';
import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { createSession, getSession } from '../../wire/dialect.ts';

const CHECKS = {
  'sessions-declared': 'sessions',
  'append-tokens-declared': 'append_tokens',
  'min-preserve-tokens-declared': 'min_preserve_tokens',
  'window-tokens-declared': 'window_tokens',
  'snapshots-declared': 'snapshots',
} as const;

export const sessionsLimits = defineCase({
  id: 'sessions.limits',
  title: 'a session names the limits in force',
  needs: ['sessions'],
  checks: {
    'sessions-declared': 'sessions.limits',
    'append-tokens-declared': 'sessions.limits',
    'min-preserve-tokens-declared': 'sessions.limits',
    'window-tokens-declared': 'sessions.limits',
    'snapshots-declared': 'sessions.limits',
  },
  async run(trial) {
    const declared = resolveLimits(trial.target.limits);
    const { limits } = await getSession(trial.api, (await createSession(trial.api)).id);
    for (const [check, name] of Object.entries(CHECKS) as [keyof typeof CHECKS, keyof typeof limits][]) {
      await trial.check(check, () => equal(limits[name], declared[name], `the limit ${name}`));
    }
  },
});
