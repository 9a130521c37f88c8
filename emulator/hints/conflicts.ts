import type { Hint } from './asking.ts';
import { named } from './line.ts';

export const sessionBusy: Hint = ({ exchange, past }) => {
  const holder = past.last(
    (each) =>
      each.session === exchange?.session &&
      ['createChatCompletion', 'compressSession'].includes(each.addressed.operation ?? '') &&
      (each.status === 0 || (each.streamed !== undefined && each.streamed.ended === undefined)),
  );
  const who = holder
    ? `${past.name(holder)} still runs in this session`
    : 'a turn or a compression runs in this session';
  return `${who}: read its stream to the end, or wait as Retry-After says and send this again; reads and snapshots need not wait`;
};

export const requestInProgress: Hint = ({ exchange, past }) => {
  const key = exchange?.asked.idempotencyKey;
  const first = past.last(
    (each) => each.asked.idempotencyKey === key && (each.status === 0 || each.streamed !== undefined),
  );
  const who = first ? past.name(first) : 'another request';
  return `${who} has the same Idempotency-Key and is not finished: wait as Retry-After says and send this again, it will get the same answer`;
};

export const versionConflict: Hint = ({ exchange, past }) => {
  const session = exchange?.session;
  const steps = past.exchanges.filter(
    (each) => each.session === session && each.version !== undefined && each.asked.method !== 'GET',
  );
  const last = steps.at(-1);
  const who = last?.version === undefined ? '' : `${past.name(last)} left the session at version ${last.version}: `;
  return `${who}another change came in between; GET the session, see whether this one is still wanted, and send it with If-Match: the new ETag`;
};

export const idempotencyMismatch: Hint = ({ exchange, past }) => {
  const key = exchange?.asked.idempotencyKey ?? '';
  const first = past.exchanges.find((each) => each.asked.idempotencyKey === key && each.succeeded);
  const who = first ? `${past.name(first)} used the key ${named(key)}` : `the key ${named(key)} was used`;
  return `${who} for another method, path or body: a new key for every new request, and the same bytes for a request that is sent again`;
};
