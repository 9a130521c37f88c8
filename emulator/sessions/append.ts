import { unixSeconds } from '../clock.ts';
import { ApiError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { NewEntry, StoredMessage, Tail, View } from '../store/entries.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { Pairing } from './groups.ts';
import { toUsage } from './objects.ts';
import { pairOrRefuse, type Write, type WriteItem } from './write.ts';

/**
 * Appends one write, all of it or nothing.
 * @returns the changed session and the messages as stored
 * @throws ApiError for tool pairing, then `append_too_large`, then `context_window_exceeded`
 */
export function append(services: Services, session: SessionRow, write: Write) {
  const { store, limits } = services;
  const tail = store.history.tail(session.view);
  const pairing = pairOrRefuse(tail.calls.map(bodyOf), write.items);
  requireWriteFits(services, write);
  const used = toUsage(services, session).total_tokens;
  const requested = used + write.tokens;
  if (requested > limits.window_tokens) {
    const details = { limit: limits.window_tokens, requested, used, adding: write.tokens };
    throw new ApiError('context_window_exceeded', details);
  }
  const { view, written } = extend(services, session.view, tail, write.items, pairing);
  return { session: changed(services, session, { view }), written };
}

/** @throws ApiError `append_too_large` */
export function requireWriteFits({ limits }: Services, { items, tokens }: Write): void {
  if (tokens <= limits.append_tokens) return;
  const largest = Math.max(...items.map((item) => item.tokens));
  throw new ApiError('append_too_large', { allowed: limits.append_tokens, counted: tokens, largest });
}

/** Puts counted messages behind a view, deciding which of them are pinned and which a pin in their group holds. */
export function extend(
  services: Services,
  view: View,
  tail: Tail,
  items: readonly WriteItem[],
  pairing: Pairing,
): { view: View; written: NewEntry[] } {
  const { history } = services.store;
  const createdAt = unixSeconds(services.clock);
  let leading = tail.last?.heldSystems ?? 0;
  const onlyLeading = leading === view.messages;
  const pins = items.map(({ body, pinned }, index) => {
    const leads = onlyLeading && body.role === 'system' && leading === view.messages + index;
    const kept = pinned ?? leads;
    if (kept && leads) leading += 1;
    return kept;
  });
  const joins = pairing.opensGroup.findIndex((opens) => opens);
  const continuing = joins === -1 ? items.length : joins;
  const heldBefore = tail.last?.held === true;
  const held = heldGroups(pins, pairing.opensGroup, heldBefore);
  const written = items.map(({ body, tokens }, index): NewEntry => {
    const message = { id: services.ids('message'), body, truncated: false, summary: false, createdAt };
    const flags = { pinned: pins[index] ?? false, held: held[index] ?? false };
    return { message, tokens, ...flags, opensGroup: pairing.opensGroup[index] ?? true };
  });
  const first = tail.calls[0];
  if (first && continuing > 0 && held[0] && !heldBefore) {
    const regrouped = tail.calls.map((message, place): NewEntry => {
      const { tokens, pinned } = message;
      return { message, tokens, pinned, held: true, opensGroup: place === 0 };
    });
    return { view: history.replaceTail(view, first.seq, [...regrouped, ...written]), written };
  }
  return { view: history.append(view, written, tail.last), written };
}

/** The session with its changes, one version on, stored. */
export function changed(services: Services, session: SessionRow, change: Partial<SessionRow>): SessionRow {
  const next = { ...session, ...change, version: session.version + 1, updatedAt: unixSeconds(services.clock) };
  if (onlyAdvances(session, next)) services.store.sessions.advance(next);
  else services.store.sessions.update(next);
  if (next.view.segment !== session.view.segment || next.view.floor !== session.view.floor) {
    services.store.collector.markDirty(session.view.segment);
  }
  if (next.toolset !== session.toolset) services.store.toolsets.release(session.toolset);
  return next;
}

function onlyAdvances(before: SessionRow, after: SessionRow): boolean {
  const { view, toolset, title, metadata } = after;
  const sameFields = toolset === before.toolset && title === before.title && metadata === before.metadata;
  return sameFields && view.segment === before.view.segment;
}

export function bodyOf(message: StoredMessage) {
  return message.body;
}

function heldGroups(pins: readonly boolean[], opensGroup: readonly boolean[], heldBefore: boolean): boolean[] {
  const held: boolean[] = [];
  let start = 0;
  for (let index = 0; index <= pins.length; index += 1) {
    if (index < pins.length && !opensGroup[index]) continue;
    const joinsNewest = start === 0 && opensGroup[0] === false;
    const keep = pins.slice(start, index).some(Boolean) || (joinsNewest && heldBefore);
    for (let member = start; member < index; member += 1) held.push(keep);
    start = index;
  }
  return held;
}
