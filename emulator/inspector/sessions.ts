import { setImmediate as nextTick } from 'node:timers/promises';
import type { Exchange } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { View } from '../store/entries.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import type { SessionLine, SnapshotLine, Timeline, TimelineItem } from './answers.ts';
import { sharesOf } from './windows.ts';

const SLICE = 100;
const MAX_KNOWN = 4_096;
const FIRST_REFUSAL = 400;

type Shown = Omit<SessionLine, 'cost' | 'cut_at'>;

/** What the list of sessions and their time lines show. What a version's window is made of is worked out once. */
export class SessionLines {
  readonly #services: Services;
  readonly #rows: ReturnType<Services['store']['portableRows']>;
  readonly #known = new Map<string, Shown>();

  constructor(services: Services) {
    this.#services = services;
    this.#rows = services.store.portableRows();
  }

  /** The session of any account. */
  find(id: string): SessionRow | undefined {
    const [named] = this.#rows.sessions(id);
    return named && this.#services.store.sessions.find(named.account, id);
  }

  /** Snapshots of all sessions, those that are deleted too, the newest first. */
  snapshots(): SnapshotLine[] {
    const { snapshots } = this.#services.store;
    const rows = this.#rows.snapshots().flatMap(({ id, account }) => snapshots.find(account, id) ?? []);
    return rows.toReversed().map(({ id, sessionId, account, name, model, createdAt, archived, toolset }) => {
      const tokens = this.#tokens({ view: archived, toolset });
      const short = account.slice(0, 12);
      return {
        id,
        session: sessionId,
        account: short,
        name,
        model,
        created_at: createdAt,
        tokens,
        messages: archived.messages,
      };
    });
  }

  count(): number {
    return this.#rows.countSessions();
  }

  /** The newest first; of these, or all. In slices. */
  async list(ids?: readonly string[]): Promise<SessionLine[]> {
    const named = ids ?? this.#rows.sessions().map(({ id }) => id);
    const costs = this.#services.billing.open?.costs();
    const lines: SessionLine[] = [];
    for (const [place, id] of named.entries()) {
      if (place % SLICE === SLICE - 1) await nextTick();
      const session = this.find(id);
      if (session) lines.push(this.line(session, costs));
    }
    return lines.reverse();
  }

  line(session: SessionRow, costs = this.#services.billing.open?.costs(session.id)): SessionLine {
    const known = this.#known.get(session.id);
    const shown = known?.version === session.version ? known : this.#show(session);
    return { ...shown, cut_at: this.#cutAt(session), cost: costs?.get(session.id) ?? 0 };
  }

  /** @param since the last moment that is known, and the last request */
  timeline(session: SessionRow, since: { moment: number; request: number }): Timeline {
    const { store, journal } = this.#services;
    const moments = store.past.of(session.id);
    const items: TimelineItem[] = [];
    const seen = new Set<string>();
    for (const [place, moment] of moments.entries()) {
      if (moment.kind === 'snapshot' && moment.snapshot !== undefined) seen.add(moment.snapshot);
      if (moment.n <= since.moment) continue;
      const before = moments[place - 1];
      items.push({
        at: String(moment.n),
        kind: moment.kind,
        time: moment.at,
        request: moment.request ?? null,
        version: moment.version,
        before: before ? this.#tokens(before) : null,
        tokens: this.#tokens(moment),
        messages: moment.view.messages,
        snapshot: moment.snapshot ?? null,
        restored: moment.restored ?? null,
        note: null,
      });
    }
    // From before this process, or from an imported file.
    if (since.moment === 0) {
      // One that a compress has taken stands before it: its own time is of whole seconds.
      const times = new Map(moments.map(({ snapshot, at }) => [snapshot, at]));
      const others = this.#snapshots(session).filter(({ at }) => !seen.has(at));
      items.push(...others.map((item) => ({ ...item, time: times.get(item.at) ?? item.time })));
    }
    const { refused, request } = refusalsSince(journal, since.request);
    items.push(...refused.filter((exchange) => exchange.session === session.id).map(refusal));
    return {
      session: this.line(session),
      items: items.toSorted((a, b) => a.time - b.time || order(a) - order(b)),
      last: moments.at(-1)?.n ?? 0,
      request,
    };
  }

  #snapshots(session: SessionRow): TimelineItem[] {
    const { account, id: sessionId } = session;
    const rows: SnapshotRow[] = [];
    for (let after = 0; ; after = rows.at(-1)?.ord ?? after) {
      const page = this.#services.store.snapshots.page({ account, sessionId, order: 'asc', after, limit: SLICE });
      rows.push(...page);
      if (page.length < SLICE) break;
    }
    return rows.map((row) => ({
      at: row.id,
      kind: 'snapshot',
      time: row.createdAt * 1_000,
      request: null,
      version: null,
      before: null,
      tokens: this.#tokens({ view: row.archived, toolset: row.toolset }),
      messages: row.archived.messages,
      snapshot: row.id,
      restored: null,
      note: row.name,
    }));
  }

  #tokens({ view, toolset }: { view: View; toolset: number | null }): number {
    return view.tokens + this.#services.store.toolsets.tokens(toolset);
  }

  #cutAt({ id }: SessionRow): number | null {
    const moments = this.#services.store.past.of(id);
    const cut = moments.findLastIndex(({ kind }) => kind === 'truncate' || kind === 'compress');
    const before = moments[cut - 1];
    return before ? this.#tokens(before) : null;
  }

  #show(session: SessionRow): Shown {
    const { store, profiles } = this.#services;
    const { id, account, title, model, version, view, metadata, forkedFrom } = session;
    const tools = store.toolsets.tokens(session.toolset);
    const window = profiles.of(model).limits.window_tokens;
    const shown: Shown = {
      id,
      account: account.slice(0, 12),
      title,
      model,
      version,
      created_at: session.createdAt,
      updated_at: session.updatedAt,
      messages: view.messages,
      tokens: tools + view.tokens,
      window,
      shares: sharesOf(this.#services, session),
      metadata,
      forked_from: forkedFrom,
    };
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(id, shown);
    return shown;
  }
}

function order({ at, request }: TimelineItem): number {
  return request ?? (/^\d+$/.test(at) ? Number(at) : 0);
}

/**
 * Requests that were refused behind one, oldest first.
 * @returns up to which request no more can come, too: those that still run may be refused later
 */
export function refusalsSince(journal: Services['journal'], since: number): { refused: Exchange[]; request: number } {
  const exchanges = journal.exchanges(since);
  const open = exchanges.find(({ status }) => status === 0)?.n ?? Number.POSITIVE_INFINITY;
  return {
    refused: exchanges.filter(({ status }) => status >= FIRST_REFUSAL),
    request: Math.max(since, Math.min(open - 1, exchanges.at(-1)?.n ?? 0)),
  };
}

function refusal({ n, at, status, code, headers }: Exchange): TimelineItem {
  return {
    at: `r${n}`,
    kind: 'refusal',
    time: at,
    request: n,
    version: null,
    before: null,
    tokens: null,
    messages: null,
    snapshot: null,
    restored: null,
    note: [status, code, headers?.['Kimi-Emulator-Hint']].filter(Boolean).join(' · '),
  };
}
