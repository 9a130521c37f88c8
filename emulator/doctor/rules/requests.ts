import type { JournalEntry } from '../../journal/entries.ts';
import { bad, fine, fineAll, inOrder, type Rule, some } from '../finding.ts';
import { Pending, type Run, repeatsOf } from '../run.ts';

/** Codes that other rules report. */
const SPOKEN_OF = [
  'append_too_large',
  'context_window_exceeded',
  'tool_call_unanswered',
  'tool_call_id_not_found',
  'tool_results_missing',
  'tool_result_orphan',
  'session_limit_reached',
];
/** Codes of 409 that pass once another request has ended. */
const PASSING: readonly string[] = ['session_busy', 'request_in_progress'];
const CLIENT_ERRORS = [400, 401, 403, 404, 409];

export const maxTokens: Rule = {
  name: 'max-tokens',
  target: 'everywhere',
  judge(run: Run) {
    const turns = run.entries.filter(({ facts }) => facts.turn !== undefined);
    const bare = turns.filter(({ facts }) => facts.turn?.max_tokens === null);
    if (bare.length === 0) return fineAll(turns.length, 'turn', ', all with max_tokens');
    const cut = bare.filter(({ facts }) => facts.turn?.finish_reasons.includes('length')).length;
    const cutOff = cut > 0 ? `; ${cut} of their answers were cut off` : '';
    const defaults = [...new Set(bare.map((turn) => run.defaultAnswerOf(turn).toLocaleString('en-US')))];
    const says = `${bare.length} of ${some(turns.length, 'turn')} without max_tokens: the default is ${defaults.join(' or ')}${cutOff}`;
    return bad(
      'warning',
      says,
      'set max_tokens: the token rate limit is charged with it, and an answer that is cut off is billed too',
      bare,
    );
  },
};

export const leakedSessions: Rule = {
  name: 'leaked-sessions',
  target: 'sessions',
  judge(run: Run) {
    const refused = run.refused('session_limit_reached');
    const most = run.limits.sessions;
    const fix = 'call DELETE /v1/sessions/{id} in a finally block; snapshots of a deleted session remain';
    const sessions = new Pending();
    let created = 0;
    for (const entry of run.entries) {
      const { created: begun, deleted } = entry.facts;
      if (begun) sessions.begin(begun.session, entry);
      if (begun) created += 1;
      if (deleted?.session !== undefined) sessions.end(deleted.session);
    }
    const { left } = sessions;
    if (refused.length + left.length === 0) return fineAll(created, 'session', ' created, all deleted');
    const before = left.filter((entry) => run.isBeforeReset(entry)).length;
    const reset = before > 0 ? ` (${before} of them removed by a reset, which no real server does)` : '';
    const leaked = `${left.length} of ${some(created, 'session')} created and never deleted${reset}`;
    if (refused.length === 0) return bad('warning', `${leaked}; an account can have ${most}`, fix, left);
    const says = `${some(refused.length, 'request')} refused: the account had all ${most} sessions in use; ${leaked}`;
    return bad('error', says, fix, inOrder(refused, left));
  },
};

export const refusals: Rule = {
  name: 'refusals',
  target: 'everywhere',
  judge(run: Run) {
    const passed = new Set(repeatsOf(run, passes, () => 0).flatMap(({ refused, again }) => (again ? [refused] : [])));
    const refused = run.entries.filter(
      (entry) => CLIENT_ERRORS.includes(entry.status) && !SPOKEN_OF.includes(entry.code ?? '') && !passed.has(entry),
    );
    if (refused.length === 0) return fine('no other request was refused');
    const counts = new Map<string, number>();
    for (const { code, status } of refused)
      counts.set(code ?? String(status), (counts.get(code ?? String(status)) ?? 0) + 1);
    const list = [...counts].map(([code, count]) => `${code} (${count})`).join(', ');
    const first = refused.find(({ hint }) => hint !== undefined);
    const fix = first ? `hint of #${first.n}: ${first.hint}` : 'read the error of each answer';
    return bad('warning', `${some(refused.length, 'request')} refused: ${list}`, fix, refused);
  },
};

function passes({ code }: JournalEntry): boolean {
  return code !== undefined && PASSING.includes(code);
}
