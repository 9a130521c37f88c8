import { retiredSince } from '../../contract/models/profiles.ts';
import { type Exchange, type KeptText, readText } from '../journal/exchange.ts';
import { type Asking, type Hint, named } from './asking.ts';

type Kind = 'session' | 'snapshot' | 'share' | 'message';

const PREFIXES: Record<Kind, string> = { session: 'sess_', snapshot: 'snap_', share: 'shr_', message: 'msg_' };

export const sessionNotFound: Hint<'session_not_found'> = (asking) => {
  const { session: id } = asking.refusal.details;
  const deleted = asking.past.last(({ facts }) => facts.deleted?.session === id);
  if (deleted)
    return `session ${id} was deleted by ${asking.past.name(deleted)}; its snapshots stay: fork one, or create a session`;
  return forgotten(asking, id, ({ session }) => session === id) ?? unknown(asking, 'session', id);
};

export const snapshotNotFound: Hint<'snapshot_not_found'> = (asking) => {
  const { snapshot: id } = asking.refusal.details;
  const deleted = asking.past.last(({ facts }) => facts.deleted?.snapshot === id);
  if (deleted)
    return `snapshot ${id} was deleted by ${asking.past.name(deleted)}: keep the id of one that is still there (GET /v1/snapshots)`;
  const made = ({ facts }: Exchange) => (facts.snapshot?.id ?? facts.compressed?.snapshot) === id;
  return forgotten(asking, id, made) ?? unknown(asking, 'snapshot', id);
};

export const shareNotFound: Hint<'share_not_found'> = (asking) => {
  const { past, now, refusal } = asking;
  const { details } = refusal;
  if ('snapshot' in details) {
    const ended = past.last(({ facts }) => facts.unshared?.snapshot === details.snapshot);
    return `this snapshot is not shared${ended ? ` any more: ${past.name(ended)} ended it` : ''}; POST .../share shares it`;
  }
  const { share: id } = details;
  const shared = past.last(({ facts }) => facts.shared?.share === id);
  const seen = past.last(
    (each) => each.succeeded && (each.addressed.ids.share === id || each.facts.created?.from_share === id),
  );
  if (shared) return endOfOwnShare(asking, shared);
  if (!seen) return forgotten(asking, id, ({ facts }) => facts.shared?.share === id) ?? unknownShare(id);
  const expires = /"expires_at":(\d+)\}/.exec(textOf(seen.answer))?.[1];
  if (expires !== undefined && Number(expires) <= now)
    return `share ${named(id)} has expired since ${past.name(seen)}: ask its owner to share the snapshot again`;
  return `share ${named(id)} existed at ${past.name(seen)} and has ended since: ask its owner to share the snapshot again`;
};

function endOfOwnShare({ past }: Pick<Asking, 'past'>, shared: Exchange): string {
  const snapshot = shared.facts.shared?.snapshot;
  const behind = ({ n }: Exchange) => n > shared.n;
  const ended = past.last((each) => behind(each) && each.facts.unshared?.snapshot === snapshot);
  const deleted = past.last((each) => behind(each) && each.facts.deleted?.snapshot === snapshot);
  if (deleted) return `this share ended when ${past.name(deleted)} deleted its snapshot; forks made before live on`;
  if (ended) return `this share was ended by ${past.name(ended)}; POST /v1/snapshots/${snapshot}/share makes a new one`;
  return `this share, made by ${past.name(shared)}, has expired: POST /v1/snapshots/${snapshot}/share again gives it a new expires_in`;
}

export const messageNotFound: Hint<'message_not_found'> = (asking) => {
  const { past, exchange, refusal } = asking;
  const { details } = refusal;
  if ('fault' in details) return 'GET /_emulator/faults lists the faults that have yet to act or hold up requests';
  const { message: id } = details;
  const session = exchange?.session;
  const own = past.exchanges.filter((each) => each.session === session && each.succeeded);
  const written = own.find((each) => textOf(each.answer).includes(`"${id}"`));
  const removing = own.findLast(
    ({ n, facts }) => n > (written?.n ?? 0) && (facts.cut ?? facts.compressed ?? facts.rolled_back),
  );
  if (written && removing)
    return `message ${id}, last known from ${past.name(written)}, is not in the window: ${past.name(removing)} changed it since; GET .../messages lists what is there, snapshots keep what was`;
  return unknown(asking, 'message', id);
};

export const modelNotFound: Hint<'model_not_found'> = ({ refusal: { details } }) => {
  const { model, served = [] } = details;
  const retired = retiredSince(model);
  const left = retired ? `the live API has ${model} no longer, since ${retired}; ` : '';
  return `${left}this emulator answers for ${served.join(', ')} (see --models)`;
};

function forgotten(
  { past }: Pick<Asking, 'past'>,
  id: string,
  made: (exchange: Exchange) => boolean,
): string | undefined {
  const known = past.forgotten.findLast((each) => each.succeeded && made(each));
  return (
    known &&
    `${named(id)} existed at ${past.name(known)}, but a reset has restored the state since; create a new one after a reset`
  );
}

/** A share is there for every key, as long as it lasts: it may have ended as well as never been. */
function unknownShare(id: string): string {
  return (
    ofAnotherKind(id, 'share') ??
    `no share ${named(id)} exists: any API key may use one until it expires or is ended, or its snapshot is deleted; ask its owner for the share_id that POST /v1/snapshots/{id}/share answers now`
  );
}

function ofAnotherKind(id: string, kind: Kind): string | undefined {
  const other = (Object.keys(PREFIXES) as Kind[]).find((each) => each !== kind && id.startsWith(PREFIXES[each]));
  return other && `${named(id)} is the id of a ${other}, not of a ${kind}`;
}

/** The same for an id of another account, which must not be told from one that never was. */
function unknown({ past }: Pick<Asking, 'past'>, kind: Exclude<Kind, 'share'>, id: string): string {
  const other = ofAnotherKind(id, kind);
  if (other !== undefined) return other;
  const list: Record<typeof kind, string> = {
    session: 'GET /v1/sessions lists those of this key',
    snapshot: 'GET /v1/snapshots lists those of this key',
    message: 'GET .../messages lists the window',
  };
  const last = past.last(({ facts }) => facts.created !== undefined)?.facts.created?.session;
  const known = kind === 'session' && last !== undefined ? `; the last one made was ${last}` : '';
  return `no ${kind} ${named(id)} is known to this API key; ids belong to the key that made them, and with --memory they end with the process; ${list[kind]}${known}`;
}

function textOf(text: KeptText | undefined): string {
  if (text === undefined) return '';
  const { head, tail } = readText(text);
  return `${head} ${tail}`;
}

export const sessionBusy: Hint<'session_busy'> = ({ exchange, past }) => {
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

export const requestInProgress: Hint<'request_in_progress'> = ({ exchange, past }) => {
  const key = exchange?.asked.idempotencyKey;
  const first = past.last(
    (each) => each.asked.idempotencyKey === key && (each.status === 0 || each.streamed !== undefined),
  );
  const who = first ? past.name(first) : 'another request';
  return `${who} has the same Idempotency-Key and is not finished: wait as Retry-After says and send this again, it will get the same answer`;
};

export const versionConflict: Hint<'version_conflict'> = ({ refusal: { details }, exchange, past }) => {
  if ('reset' in details) return 'a reset has restored the state meanwhile: create a session anew';
  if (details.expected > details.version)
    return `the session has yet to reach version ${details.expected}: it is at ${details.version}; If-Match takes the ETag of the last answer about this very session`;
  const session = exchange?.session;
  const steps = past.exchanges.filter(
    (each) => each.session === session && each.version !== undefined && each.asked.method !== 'GET',
  );
  const last = steps.at(-1);
  const who = last?.version === undefined ? '' : `${past.name(last)} left the session at version ${last.version}: `;
  return `${who}another change came first; GET the session, decide whether this change is still wanted, and send it with If-Match: the new ETag`;
};

export const idempotencyMismatch: Hint<'idempotency_mismatch'> = ({ refusal, past }) => {
  const { key } = refusal.details;
  const first = past.exchanges.find((each) => each.asked.idempotencyKey === key && each.succeeded);
  const who = first ? `${past.name(first)} used the key ${named(key)}` : `the key ${named(key)} was used`;
  return `${who} for another method, path or body: a new key for every new request, and the same bytes for a request that is sent again`;
};
