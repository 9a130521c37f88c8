import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionLine } from '../answers.ts';
import { read, useReader } from './api.ts';
import {
  Bar,
  count,
  counted,
  dateOf,
  Empty,
  Legend,
  money,
  type Page,
  Problem,
  Search,
  Text,
  useKeys,
  useVirtual,
} from './parts.tsx';
import { change, go, href, type Route } from './route.ts';

const ORDERS = {
  latest: (a: SessionLine, b: SessionLine) => b.updated_at - a.updated_at || b.created_at - a.created_at,
  fullest: (a: SessionLine, b: SessionLine) => b.tokens / b.window - a.tokens / a.window,
  largest: (a: SessionLine, b: SessionLine) => b.tokens - a.tokens,
  dearest: (a: SessionLine, b: SessionLine) => b.cost - a.cost,
};
const ROW = 64;

/** All sessions, kept up to date: only those that have changed are asked for again. */
function useSessions({ live }: Page): {
  lines: ReadonlyMap<string, SessionLine> | undefined;
  error: string | undefined;
} {
  const [lines, setLines] = useState<ReadonlyMap<string, SessionLine>>();
  const known = useRef<ReadonlyMap<string, SessionLine>>();
  /** Those that are to be asked for; undefined for all. */
  const changed = useRef<Set<string>>();
  const latest = useRef(live);
  latest.current = live;
  const [load, error] = useReader(async () => {
    const wanted = changed.current;
    changed.current = new Set();
    const linesOf = async (query: string): Promise<[string, SessionLine][]> =>
      (await read<{ data: SessionLine[] }>(`/sessions${query}`)).data.map((line) => [line.id, line]);
    try {
      const next = new Map(wanted && known.current);
      const ids = [...(wanted ?? [])].map(encodeURIComponent).join();
      if (ids !== '') for (const [id, line] of await linesOf(`?ids=${ids}`)) next.set(id, line);
      known.current = wanted && next.size === latest.current.count ? next : new Map(await linesOf(''));
      setLines(known.current);
    } catch (problem) {
      changed.current = undefined;
      throw problem;
    }
  });
  useEffect(() => {
    for (const id of live.sessions ?? []) changed.current?.add(id);
    if (live.sessions === null) changed.current = undefined;
    load();
  }, [live]);
  return { lines, error };
}

export function SessionsView({ page, route }: { page: Page; route: Route }) {
  const { lines, error } = useSessions(page);
  const { q = '', order = 'latest', sel } = route.query;
  const filter = useRef<HTMLInputElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = ({ id, title, model, metadata, account }: SessionLine): boolean => {
      const text = `${id} ${title ?? ''} ${model} ${account} ${Object.values(metadata).join(' ')}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    return [...(lines?.values() ?? [])].filter(fits).sort(ORDERS[order as keyof typeof ORDERS] ?? ORDERS.latest);
  }, [lines, q, order]);
  const widest = Math.max(1, ...shown.map(({ window }) => window));
  const list = useVirtual(scroller, { count: shown.length, size: ROW });
  const selected = shown.findIndex(({ id }) => id === sel);
  const select = (place: number): void => {
    const next = Math.max(0, Math.min(shown.length - 1, place));
    list.virtualizer.scrollToIndex(next, { align: 'auto' });
    change(route, { sel: shown[next]?.id }, true);
  };
  const open = (id: string | undefined): void => {
    if (id !== undefined) go(['session', id]);
  };
  useKeys({
    j: () => select(selected + 1),
    k: () => select(selected - 1),
    Enter: () => open(shown[selected]?.id),
    '/': () => filter.current?.focus(),
  });
  if (error && !lines) return <Problem text={error} />;
  return (
    <main class="sessions">
      <h1 class="unseen">Sessions</h1>
      <div class="controls">
        <Search
          label="Filter"
          input={filter}
          value={q}
          placeholder="title, id, model, metadata"
          onType={(text) => change(route, { q: text }, true)}
        />
        <label>
          <span>Order</span>
          <select value={order} onChange={(event) => change(route, { order: event.currentTarget.value })}>
            {Object.keys(ORDERS).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Legend />
      </div>
      {lines && shown.length === 0 ? (
        <Empty title={lines.size === 0 ? 'There are no sessions yet.' : 'No session fits the filter.'}>
          {lines.size === 0 && (
            <p>
              Point a client at <code>{page.overview.base_url}</code>: what it does appears here at once.
            </p>
          )}
        </Empty>
      ) : (
        <section class="scroller" ref={scroller} tabIndex={0} aria-label="sessions">
          <ol class="rows" style={{ height: `${list.total}px` }}>
            {list.rows.map(({ index, start }) => {
              const line = shown[index];
              return (
                line && (
                  <li key={line.id} class={index === selected ? 'row selected' : 'row'} style={list.place(start)}>
                    <a href={href(['session', line.id])} class="session">
                      <span class="name">
                        <b>{line.title === null ? <span class="quiet">untitled</span> : <Text>{line.title}</Text>}</b>
                        <small>{line.id}</small>
                      </span>
                      <span class="track">
                        <Bar line={line} widest={widest} />
                      </span>
                      <span class="figure">
                        {count(line.tokens)}
                        <small>of {count(line.window)}</small>
                      </span>
                      <span class="figure narrow">
                        {((100 * line.tokens) / line.window).toFixed(1)} %
                        <small>{counted(line.messages, 'message')}</small>
                      </span>
                      <span class="figure wide">
                        {money(line.cost, page.overview.currency)}
                        <small>{dateOf(line.updated_at * 1_000)}</small>
                      </span>
                    </a>
                  </li>
                )
              );
            })}
          </ol>
        </section>
      )}
    </main>
  );
}
