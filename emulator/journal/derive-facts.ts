import type { Exchange } from './exchange.ts';
import type { Facts } from './facts.ts';
import { type KeptText, readText } from './kept-text.ts';

type Derive = (exchange: Pick<Exchange, 'addressed' | 'asked'>, answer: string) => Facts;

/** What a request did, where its path and the ends of its answer say it and no route has to. */
const DERIVATIONS: Partial<Record<string, Derive>> = {
  createSession: (_, answer) => created(answer),
  deleteSession: ({ addressed: { ids } }) => (ids.session === undefined ? {} : { deleted: { session: ids.session } }),
  deleteSnapshot: ({ addressed: { ids } }) =>
    ids.snapshot === undefined ? {} : { deleted: { snapshot: ids.snapshot } },
  createSnapshot: (_, answer) => taken(answer),
  shareSnapshot: ({ addressed: { ids } }, answer) => shared(ids.snapshot, answer),
  unshareSnapshot: ({ addressed: { ids } }) =>
    ids.snapshot === undefined ? {} : { unshared: { snapshot: ids.snapshot } },
};

export function deriveFacts(exchange: Pick<Exchange, 'addressed' | 'asked' | 'answer'>): Facts {
  const derive = DERIVATIONS[exchange.addressed.operation ?? ''];
  return derive ? derive(exchange, textOf(exchange.answer)) : {};
}

function created(answer: string): Facts {
  const session = /^\{"id":"([^"]+)"/.exec(answer)?.[1];
  if (session === undefined) return {};
  const [, kind, origin] = /"forked_from":\{"(snapshot|share)_id":"([^"]+)"\}\}$/.exec(answer) ?? [];
  if (origin === undefined) return { created: { session } };
  return { created: { session, ...(kind === 'share' ? { from_share: origin } : { from_snapshot: origin }) } };
}

function taken(answer: string): Facts {
  const id = /^\{"id":"([^"]+)"/.exec(answer)?.[1];
  const preserved = /"preserve_len":(\d+|null),"usage":/.exec(answer)?.[1];
  if (id === undefined) return {};
  return { snapshot: { id, preserve_len: preserved === undefined || preserved === 'null' ? null : Number(preserved) } };
}

function shared(snapshot: string | undefined, answer: string): Facts {
  const [, share, expires] = /"share":\{"share_id":"([^"]+)","expires_at":(\d+|null)\}\}$/.exec(answer) ?? [];
  if (snapshot === undefined || share === undefined) return {};
  return { shared: { share, snapshot, expires_at: expires === 'null' ? null : Number(expires) } };
}

function textOf(answer: KeptText | undefined): string {
  if (answer === undefined) return '';
  const { head, tail } = readText(answer);
  return head + tail;
}
