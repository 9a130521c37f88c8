import { ClientGone } from '../errors.ts';
import type { Facts } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { Encoding } from '../streams/output.ts';
import type { RequestContext } from './context.ts';

/** The emulator's own routes would fill the journal with the reading of it. */
const OWN = /^\/(?:_emulator|openapi\.json$)/;

/** Takes the request up in the journal. */
export function openExchange(c: RequestContext, { journal, clock }: Services): void {
  const { path, method } = c.req;
  if (OWN.test(path)) return;
  const query = method === 'GET' ? queryOf(c.req.url) : '';
  const asked = { method, path, query, idempotencyKey: c.req.header('idempotency-key') };
  c.set('exchange', journal.open(asked, clock.now()));
}

function queryOf(url: string): string {
  const place = url.indexOf('?');
  return place === -1 ? '' : url.slice(place);
}

/** To be told with every answer as it leaves. @param text of the answer; null where it has none, or is a stream */
export function journalAnswer(c: RequestContext, status: number, text: string | null): void {
  const exchange = c.get('exchange');
  if (!exchange) return;
  const { bytes } = exchange;
  exchange.status = status;
  exchange.headers = c.get('headers');
  exchange.keepRequest(c.get('body'));
  if (text !== null) exchange.keepAnswer(text);
  c.get('services').journal.grown(exchange, bytes);
}

/** What a change did, once it has taken effect; of a streamed append, all its lines together. */
export function noteEffects(c: RequestContext, facts: Facts, isLine = false): void {
  const exchange = c.get('exchange');
  if (!exchange) return;
  if (isLine && facts.wrote) exchange.told = { ...exchange.told, wrote: withLine(exchange.told?.wrote, facts.wrote) };
  else exchange.told = exchange.told ? { ...exchange.told, ...facts } : facts;
}

function withLine(before: Facts['wrote'], line: NonNullable<Facts['wrote']>): NonNullable<Facts['wrote']> {
  const opened = [...(before?.opened ?? []), ...(line.opened ?? [])];
  const answered = [...(before?.answered ?? []), ...(line.answered ?? [])];
  return {
    ...line,
    messages: (before?.messages ?? 0) + line.messages,
    tokens: (before?.tokens ?? 0) + line.tokens,
    lines: (before?.lines ?? 0) + 1,
    ...(opened.length > 0 && { opened }),
    ...(answered.length > 0 && { answered }),
  };
}

/** Counts what is sent of a stream, and sees how it ends. */
export function watched<Item>(
  c: RequestContext,
  encoding: Encoding<Item>,
  onGone: (reason: Error) => void,
): { encoding: Encoding<Item>; onGone: (reason: Error) => void } {
  const exchange = c.get('exchange');
  if (!exchange) return { encoding, onGone };
  const streamed: NonNullable<typeof exchange.streamed> = { events: 0 };
  exchange.streamed = streamed;
  return {
    encoding: {
      /** Asked for once, behind the last event. */
      get ending() {
        streamed.ended ??= 'whole';
        return encoding.ending;
      },
      encode(item) {
        streamed.events += 1;
        return encoding.encode(item);
      },
      encodeError(error) {
        streamed.ended ??= error instanceof ClientGone ? 'left' : 'failed';
        return encoding.encodeError(error);
      },
    },
    onGone(reason) {
      streamed.ended ??= 'left';
      onGone(reason);
    },
  };
}

/** What a stream said, put together. */
export function keepStreamed(c: RequestContext, text: string): void {
  const exchange = c.get('exchange');
  if (!exchange) return;
  const { bytes } = exchange;
  exchange.keepAnswer(text);
  c.get('services').journal.grown(exchange, bytes);
}
