import type { JournalEntry } from '../../journal/describe.ts';
import { bad, fine, type Rule, some } from '../finding.ts';
import type { Run } from '../run.ts';

export const idempotency: Rule = {
  name: 'idempotency-keys',
  target: 'sessions',
  judge(run: Run) {
    const fix =
      'send an Idempotency-Key with every POST and DELETE of a session, one for each write, the same for its retries';
    const writes = run.entries.filter(changesState);
    const twice = run
      .again(changesState, ({ lost, streamed }) => lost ?? streamed?.ended === 'left')
      .filter((entry) => entry.idempotency_key === undefined);
    if (twice.length > 0)
      return bad(
        'error',
        `${some(twice.length, 'write')} sent again after the answer was lost, and written twice`,
        fix,
        twice,
      );
    const bare = writes.filter((entry) => entry.idempotency_key === undefined);
    if (bare.length === 0) return fine(`${some(writes.length, 'write')}, all with an Idempotency-Key`);
    const says = `${bare.length} of ${some(writes.length, 'write')} without an Idempotency-Key: an answer that gets lost leaves unknown whether it was done`;
    return bad('warning', says, fix, bare);
  },
};

function changesState({ facts, session, operation }: JournalEntry): boolean {
  const { created, wrote, cut, compressed, snapshot, rolled_back, deleted } = facts;
  if (operation === 'createChatCompletion') return session !== undefined && wrote !== undefined;
  return [created, wrote, cut, compressed, snapshot, rolled_back, deleted].some((fact) => fact !== undefined);
}

export const retriedRefusals: Rule = {
  name: 'retried-400',
  target: 'everywhere',
  judge(run: Run) {
    const refused = run.entries.filter(isRefused);
    const again = run.again(isRefused, isRefused);
    if (again.length === 0)
      return fine(`${some(refused.length, 'answer')} of status 400, none of them asked for again`);
    const says = `${some(again.length, 'request')} sent again as they were after a 400, which never passes by itself`;
    return bad(
      'error',
      says,
      'retry 408, 409, 429 and 5xx only, where x-should-retry does not forbid it; a 400 needs another request (its Kimi-Emulator-Hint says which)',
      again,
    );
  },
};

function isRefused({ status }: JournalEntry): boolean {
  return status === 400;
}

export const streams: Rule = {
  name: 'abandoned-streams',
  target: 'everywhere',
  judge({ entries }: Run) {
    const streamed = entries.filter((entry) => entry.streamed !== undefined);
    const left = streamed.filter((entry) => entry.streamed?.ended === 'left');
    if (left.length === 0) return fine(`${some(streamed.length, 'stream')}, none left before its end`);
    const undone = left.filter(({ facts }) => facts.turn === undefined).length;
    const says = `${some(left.length, 'stream')} left before the end; ${undone} of the turns took no effect, and what was made of them is paid for`;
    return bad(
      'warning',
      says,
      'read every stream to [DONE]; where an answer is not wanted any more, say so with fewer max_tokens or a stop string',
      left,
    );
  },
};
