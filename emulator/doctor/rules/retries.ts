import type { JournalEntry } from '../../journal/describe.ts';
import { bad, fine, fineAll, type Rule, some } from '../finding.ts';
import type { Run } from '../run.ts';

export const idempotency: Rule = {
  name: 'idempotency-keys',
  target: 'sessions',
  judge(run: Run) {
    const fix =
      "send an Idempotency-Key with every POST and DELETE of a session, one for each write, the same for its retries: KimiClient does, the openai SDK with { headers: { 'Idempotency-Key': key } }";
    const writes = run.entries.filter(changesState);
    const twice = run.again((entry) => changesState(entry) && isLost(entry)).filter(changesState);
    const bare = writes.filter((entry) => entry.idempotency_key === undefined);
    const without = `${bare.length} of ${some(writes.length, 'write')} ${bare.length === 1 ? 'has' : 'have'} no Idempotency-Key`;
    if (twice.length > 0) {
      const says = `${some(twice.length, 'write')} sent again after the answer was lost, and written twice`;
      return bad('error', `${says}; ${without}`, fix, twice);
    }
    if (bare.length === 0) return fineAll(writes.length, 'write', ', all with an Idempotency-Key');
    return bad('warning', `${without}: an answer that gets lost leaves unknown whether it was done`, fix, bare);
  },
};

function isLost({ lost, streamed }: JournalEntry): boolean {
  return lost ?? streamed?.ended === 'left';
}

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
    const again = run.again(isRefused, makesRoom);
    if (again.length === 0) {
      return fine(
        refused.length === 0
          ? 'no 400 was answered'
          : `${some(refused.length, 'answer')} of status 400, ${refused.length === 1 ? 'not' : 'none'} asked for again`,
      );
    }
    const says = `${some(again.length, 'request')} sent again unchanged after a 400, which never passes by itself`;
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

/** Whether a change lies between that may let a request through: of its session, or a deletion that made room. */
function makesRoom({ method, status, account, session, facts }: JournalEntry, again: JournalEntry): boolean {
  const isDialect = again.session !== undefined || again.operation !== 'createChatCompletion';
  if (!isDialect || method === 'GET' || status < 200 || status > 299 || account !== again.account) return false;
  return facts.deleted !== undefined || (session !== undefined && session === again.session);
}

export const streams: Rule = {
  name: 'abandoned-streams',
  target: 'everywhere',
  judge({ entries }: Run) {
    const streamed = entries.filter((entry) => entry.streamed !== undefined);
    const left = streamed.filter((entry) => entry.streamed?.ended === 'left');
    if (left.length === 0) return fineAll(streamed.length, 'stream', ', none left before its end');
    const undone = left.filter(({ facts }) => facts.turn === undefined).length;
    const says = `${some(left.length, 'stream')} left before the end; ${undone} of the turns took no effect, and the live API is paid for what it made of them`;
    return bad(
      'warning',
      says,
      'read every stream to [DONE]; where an answer is not wanted any more, say so with fewer max_tokens or a stop string',
      left,
    );
  },
};
