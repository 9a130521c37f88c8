import { resolveLimits } from '../../../contract/limits.ts';
import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { createSession, getSession } from '../../wire/dialect.ts';

const NAMES = ['sessions', 'append_tokens', 'min_preserve_tokens', 'window_tokens', 'snapshots'] as const;

export const sessionsLimits = defineCase({
  id: 'sessions.limits',
  title: 'a session names the limits in force',
  needs: ['sessions'],
  checks: {
    'sessions-declared': 'sessions.limits',
    'append_tokens-declared': 'sessions.limits',
    'min_preserve_tokens-declared': 'sessions.limits',
    'window_tokens-declared': 'sessions.limits',
    'snapshots-declared': 'sessions.limits',
  },
  async run(trial) {
    const declared = resolveLimits(trial.target.limits);
    const { limits } = await getSession(trial.api, (await createSession(trial.api)).id);
    for (const name of NAMES) {
      await trial.check(`${name}-declared`, () => equal(limits[name], declared[name], `the limit ${name}`));
    }
  },
});
