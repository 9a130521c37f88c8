import { type Asking, count, type Hint } from './asking.ts';

export const sessionLimitReached: Hint = (asking) => {
  const { past, limits } = asking;
  const gone = new Set(past.exchanges.flatMap(({ facts }) => facts.deleted?.session ?? []));
  const left = past.exchanges.filter(({ facts }) => facts.created && !gone.has(facts.created.session));
  return `an account holds ${count(limits.sessions)} sessions: ${oldest(asking, left, 'session')}DELETE /v1/sessions/{id} when a task has ended (its snapshots stay)`;
};

export const snapshotLimitReached: Hint = (asking) => {
  const { past, limits, exchange } = asking;
  const gone = new Set(past.exchanges.flatMap(({ facts }) => facts.deleted?.snapshot ?? []));
  const left = past.exchanges.filter(({ facts }) => {
    const id = facts.snapshot?.id ?? facts.compressed?.snapshot;
    return id !== undefined && !gone.has(id);
  });
  const why = exchange?.addressed.operation === 'compressSession' ? 'compress takes one of the state before; ' : '';
  return `an account holds ${count(limits.snapshots)} snapshots: ${why}${oldest(asking, left, 'snapshot')}DELETE /v1/snapshots/{id} those that are not rolled back to any more`;
};

function oldest({ past }: Asking, left: Asking['past']['exchanges'], kind: 'session' | 'snapshot'): string {
  const first = left[0];
  if (!first) return '';
  const { created, snapshot, compressed } = first.facts;
  const id = kind === 'session' ? created?.session : (snapshot?.id ?? compressed?.snapshot);
  return `the journal knows ${count(left.length)} that were made and not deleted, the oldest ${id} by ${past.name(first)}; `;
}

export const snapshotMismatch: Hint = ({ refusal, past }) => {
  const id = /snapshot (\S+) was taken/.exec(refusal.message)?.[1];
  const taken = past.last(({ facts }) => id !== undefined && (facts.snapshot?.id ?? facts.compressed?.snapshot) === id);
  const by = taken ? ` by ${past.name(taken)}` : '';
  return `${id ?? 'the snapshot'} was taken of another session${by}: roll that one back, or fork it into a new session with POST /v1/sessions {"snapshot_id":"${id ?? '...'}"}`;
};
