import type { SessionCompression, SessionTruncation } from '../../contract/sessions.ts';
import type { Facts } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { SessionRow } from '../store/sessions.ts';
import { toUsage } from './objects.ts';
import type { Write } from './write.ts';

type Fact<Name extends keyof Facts> = NonNullable<Facts[Name]>;

/** @param total tokens of the window afterwards @param session as it is afterwards */
export function wroteOf({ items, tokens }: Write, total: number, { view }: Pick<SessionRow, 'view'>): Fact<'wrote'> {
  const wrote: Fact<'wrote'> = { messages: items.length, tokens, total, place: view.head };
  for (const { body } of items) {
    if (body.tool_calls) wrote.opened = [...(wrote.opened ?? []), ...body.tool_calls.map((call) => call.id)];
    if (body.tool_call_id !== undefined) wrote.answered = [...(wrote.answered ?? []), body.tool_call_id];
  }
  return wrote;
}

export function cutOf({ removed, after }: SessionTruncation, { view }: SessionRow): Fact<'cut'> {
  return { ...removed, total: after.total_tokens, first_place: view.floor };
}

export function rolledBackOf(services: Services, snapshot: string, session: SessionRow): Fact<'rolled_back'> {
  return { snapshot, total: toUsage(services, session).total_tokens, first_place: session.view.floor };
}

export function compressedOf({ before, after, snapshot_id }: SessionCompression): Fact<'compressed'> {
  const totals = { before: before.total_tokens, total: after.total_tokens };
  return snapshot_id === null ? totals : { ...totals, snapshot: snapshot_id };
}
