import { useEffect, useRef, useState } from 'preact/hooks';
import type { At, Timeline, TimelineItem } from '../answers.ts';
import { act, download, read, useReader } from './api.ts';
import { Bar, count, counted, Empty, money, type Page, Problem, Text, timeOf, useKeys, useVirtual } from './parts.tsx';
import { change, go, href, type Route } from './route.ts';
import { sessionSnippets } from './snippets.ts';
import { DroppedView, SummaryView } from './summary.tsx';
import { DiffView, WindowView } from './window.tsx';

const VIEWS = ['window', 'diff', 'summary', 'dropped'] as const;
const ROW = 52;
/** Items of a time line that are kept: more than the server remembers by default. */
const MOST_ITEMS = 2_000;

/** A session's time line, of which only what is new is asked for. @param looked the message whose page is wanted along with it */
function useTimeline(
  id: string,
  { live }: Page,
  looked: () => number | undefined,
): { timeline: Timeline | undefined; error: string | undefined } {
  const [timeline, setTimeline] = useState<Timeline>();
  const known = useRef<Timeline>();
  const [load, error] = useReader(async () => {
    const old = known.current;
    const { last: moment, request } = old ?? { last: 0, request: 0 };
    const path = `/sessions/${encodeURIComponent(id)}`;
    const message = looked();
    const page = message === undefined ? '' : `&message=${message}`;
    let found = await read<Timeline>(`${path}?moment=${moment}&request=${request}${page}`);
    const isForgotten = found.last < moment;
    if (isForgotten) found = await read<Timeline>(path);
    const merged = new Map((isForgotten ? [] : (old?.items ?? [])).map((item) => [item.at, item]));
    for (const item of found.items) merged.set(item.at, item);
    known.current = { ...found, items: [...merged.values()].slice(-MOST_ITEMS) };
    setTimeline(known.current);
  });
  useEffect(() => {
    if (!known.current || live.sessions === null || live.sessions.includes(id)) load();
  }, [live]);
  return { timeline, error };
}

export function SessionView({ page, route }: { page: Page; route: Route }) {
  const id = route.path[1] ?? '';
  const { at = 'now', a, view: wanted = 'window' } = route.query;
  const view = VIEWS.includes(wanted as 'window') ? wanted : 'window';
  const looked = useRef(Number.MAX_SAFE_INTEGER);
  const { timeline, error } = useTimeline(id, page, () =>
    view === 'window' && at === 'now' ? looked.current : undefined,
  );
  const items = timeline?.items ?? [];
  const selected = at === 'now' ? items.length : items.findIndex((item) => item.at === at);
  const canLook = (item: TimelineItem | undefined): boolean => item !== undefined && item.kind !== 'refusal';
  const select = (place: number): void => {
    const next = Math.max(0, Math.min(items.length, place));
    change(route, { at: items[next]?.at ?? 'now', m: undefined }, true);
  };
  const shownAt: At = at === 'now' || canLook(items[selected]) ? at : lastLookable(items, selected);
  const compareWith = a ?? previousOf(items, shownAt);
  const { read_only: readOnly, base_url: base } = page.overview;
  const session = timeline?.session;

  const fork = (): void =>
    page.ask({
      title: 'Fork from here',
      says: `Makes a new session with the window as it is shown (${placeName(shownAt)}). This session stays as it is.`,
      verb: 'Fork',
      field: { label: 'Title', value: `fork of ${session?.title ?? id}` },
      run: async (title) => {
        const made = await act<{ id: string }>('fork', { session: id, at: shownAt, title }, page.overview);
        go(['session', made.id]);
        return `Forked: ${made.id}`;
      },
    });
  const rollBack = (to: At, undoes?: TimelineItem): void =>
    page.ask({
      title: undoes ? `Undo the last change: ${undoes.kind}` : 'Roll back to here',
      says: `The window becomes what it was at ${placeName(to)}, one version on. What was written since leaves the window; the time line keeps it, so that this can be undone.`,
      verb: undoes ? 'Undo' : 'Roll back',
      run: async () => {
        const body = { session: id, at: to, version: session?.version ?? 1, undo: undoes !== undefined };
        await act('rollback', body, page.overview);
        change(route, { at: undefined, view: undefined, m: undefined });
        return undoes ? `Undone: the window is that of ${placeName(to)}.` : 'Rolled back. Press u to undo it.';
      },
    });
  const undo = (): void => {
    const change = changeToUndo(items);
    if (change) rollBack(change.before, change.undoes);
    else page.say('There is nothing to undo.');
  };
  const exportIt = (): void => void download(id).catch((problem: Error) => page.say(problem.message));
  const snapshot = (): void =>
    page.ask({
      title: 'Take a snapshot',
      says: 'Keeps the window as it is now, for a later rollback or fork. It changes nothing in the session.',
      verb: 'Take it',
      field: { label: 'Name', value: '' },
      run: async (name) => {
        const body = { session: id, ...(name !== '' && { name }) };
        const { id: made } = await act<{ id: string }>('snapshot', body, page.overview);
        return `Taken: ${made}`;
      },
    });
  const show = (next: (typeof VIEWS)[number]): void =>
    change(route, { view: next === 'window' ? undefined : next, m: undefined });
  useKeys({
    j: () => select(selected + 1),
    k: () => select(selected - 1),
    d: () => (view === 'diff' ? change(route, { view: undefined, a: undefined, m: undefined }) : show('diff')),
    m: () => change(route, { a: shownAt }),
    f: !readOnly && fork,
    r: !readOnly && shownAt !== 'now' && (() => rollBack(shownAt)),
    u: !readOnly && undo,
    s: !readOnly && snapshot,
    e: exportIt,
    c: () => session && page.copy(sessionSnippets(base, id, session.model)),
    v: () => show(VIEWS[(VIEWS.indexOf(view as 'window') + 1) % VIEWS.length] ?? 'window'),
    Escape: () => go([]),
  });
  if (error && !timeline) return <Problem text={error} />;
  if (!session) return <p class="quiet pad">Reading the session …</p>;
  return (
    <main class="session-view">
      <header class="head">
        <div class="title">
          <h1>{session.title === null ? 'Untitled session' : <Text>{session.title}</Text>}</h1>
          <p class="quiet">
            {session.id} · {session.model} · version {session.version}
          </p>
        </div>
        <div class="fill">
          <Bar line={session} widest={session.window} />
          <p>
            <b>{count(session.tokens)}</b> of {count(session.window)} tokens · {counted(session.messages, 'message')} ·{' '}
            <a href={href(['spend'], { session: id })}>{money(session.cost, page.overview.currency)}</a>
          </p>
        </div>
        <div class="actions">
          {!readOnly && (
            <>
              <button type="button" onClick={fork}>
                Fork here
              </button>
              <button type="button" onClick={() => rollBack(shownAt)} disabled={shownAt === 'now'}>
                Roll back to here
              </button>
              <button type="button" onClick={undo}>
                Undo
              </button>
              <button type="button" onClick={snapshot}>
                Snapshot
              </button>
            </>
          )}
          <button type="button" onClick={exportIt}>
            Export
          </button>
          <button type="button" onClick={() => page.copy(sessionSnippets(base, id, session.model))}>
            Copy as code
          </button>
        </div>
      </header>
      <TimelineList items={items} selected={selected} mark={a} onSelect={select} />
      <div class="pane">
        <nav class="tabs" aria-label="what is shown">
          {VIEWS.map((name) => (
            <button key={name} type="button" aria-current={view === name} onClick={() => show(name)}>
              {name}
            </button>
          ))}
          <span class="where">
            {view === 'diff' && compareWith ? (
              <>
                from {placeName(compareWith)} to {placeName(shownAt)}{' '}
                <button type="button" class="small" onClick={() => change(route, { a: shownAt })}>
                  Compare from here
                </button>
              </>
            ) : (
              placeName(shownAt)
            )}
          </span>
        </nav>
        {error && <Problem text={error} />}
        {at !== 'now' && selected === -1 && (
          <Problem text={`There is no moment ${at} any more. What is shown is the window of now.`} />
        )}
        {view === 'window' && (
          <WindowView
            page={page}
            route={route}
            session={id}
            at={shownAt}
            version={session.version}
            fresh={timeline.page}
            onLook={(place) => {
              looked.current = place;
            }}
          />
        )}
        {view === 'diff' &&
          (compareWith ? (
            <DiffView route={route} session={id} a={compareWith} b={shownAt} version={session.version} />
          ) : (
            <Empty title="There is no earlier moment to compare with." />
          ))}
        {view === 'summary' && <SummaryView route={route} session={id} at={shownAt} version={session.version} />}
        {view === 'dropped' && <DroppedView route={route} session={id} at={shownAt} version={session.version} />}
      </div>
    </main>
  );
}

function placeName(at: At): string {
  if (at === 'now') return 'now';
  return /^\d+$/.test(at) ? `moment ${at}` : at;
}

/** The window that a refusal found: that of the change before it. */
function lastLookable(items: readonly TimelineItem[], place: number): At {
  return items.slice(0, place + 1).findLast(({ kind }) => kind !== 'refusal')?.at ?? 'now';
}

/** The last change that has not been undone yet, and the moment before it. */
function changeToUndo(items: readonly TimelineItem[]): { undoes: TimelineItem; before: At } | undefined {
  const changesIt = ({ kind }: TimelineItem): boolean => kind !== 'refusal' && kind !== 'snapshot';
  let place = items.findLastIndex(changesIt);
  for (let item = items[place]; item?.kind === 'undo'; item = items[place]) {
    const { restored } = item;
    place = items.findIndex(({ at }) => at === restored);
  }
  const undoes = items[place];
  const before = items.slice(0, Math.max(0, place)).findLast(changesIt)?.at;
  return undoes && before !== undefined ? { undoes, before } : undefined;
}

function previousOf(items: readonly TimelineItem[], at: At): At | undefined {
  const place =
    at === 'now' ? items.findLastIndex(({ kind }) => kind !== 'refusal') : items.findIndex((item) => item.at === at);
  const before = lastLookable(items, place - 1);
  return before === 'now' ? undefined : before;
}

interface TimelineListProps {
  items: readonly TimelineItem[];
  selected: number;
  mark: At | undefined;
  onSelect(place: number): void;
}

/** Every change, the newest at the bottom, and the present behind it. */
function TimelineList({ items, selected, mark, onSelect }: TimelineListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useVirtual(scroller, { count: items.length + 1, size: ROW });
  useEffect(() => {
    if (selected >= 0) list.virtualizer.scrollToIndex(selected, { align: 'auto' });
  }, [selected, list.virtualizer]);
  return (
    <section class="timeline scroller" ref={scroller} aria-label="time line" tabIndex={0}>
      <ol class="rows" style={{ height: `${list.total}px` }}>
        {list.rows.map(({ index, start }) => {
          const item = items[index];
          const classes = [
            'row',
            `kind-${item?.kind ?? 'now'}`,
            index === selected && 'selected',
            item && item.at === mark && 'marked',
          ];
          return (
            <li key={item?.at ?? 'now'} class={classes.filter(Boolean).join(' ')} style={list.place(start)}>
              <button type="button" aria-current={index === selected} onClick={() => onSelect(index)}>
                {item ? <Item item={item} /> : <b>now</b>}
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Item({ item }: { item: TimelineItem }) {
  const { kind, time, request, before, tokens, note, at, restored } = item;
  const change = before === null || tokens === null ? 0 : tokens - before;
  return (
    <>
      <span class="kind">
        <b>{kind}</b>
        {(kind === 'undo' || kind === 'rollback') && restored !== null && ` to ${placeName(restored)}`}
        <small>
          {/^\d+$/.test(at) ? `${at} · ` : ''}
          {timeOf(time)}
          {request === null ? '' : ` · request ${request}`}
        </small>
      </span>
      {note !== null ? (
        <small class="note">
          <Text>{note}</Text>
        </small>
      ) : (
        tokens !== null && (
          <span class="figure">
            {count(tokens)}
            <small class={change < 0 ? 'less' : 'more'}>
              {change === 0 ? '' : `${change > 0 ? '+' : '−'}${count(Math.abs(change))}`}
            </small>
          </span>
        )
      )}
    </>
  );
}
