import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { At, Diff, DiffRun, MessageLine, WindowPage } from '../answers.ts';
import { act, useRead } from './api.ts';
import { Message, useWindow, type WindowSource } from './messages.tsx';
import { count, counted, Empty, type Page, Problem, useKeys, useVirtual } from './parts.tsx';
import { change, listed, type Route, toggled } from './route.ts';

/** Pixels. Messages that are not open are equally high, so that scrolling measures nothing. */
const NEAR_END = 200;
const FOLDED = 80;
/** Behind the id of a message whose reasoning is unfolded. */
const REASONS = '.reasoning';

interface Row {
  source: WindowSource | undefined;
  index: number;
  what?: DiffRun['what'];
  /** Stands for so many messages that were kept. */
  run?: DiffRun;
}

interface MessageListProps {
  rows: readonly Row[];
  label: string;
  route: Route;
  /** The place that is to be seen first. */
  start?: number | undefined;
  onPin?: ((line: MessageLine) => void) | undefined;
  /** Told the last place that is to be seen; endless where the end is followed. */
  onLook?: (place: number) => void;
}

/**
 * Messages one below the other, of which only those that are to be seen exist. `n`, `p` and `o` go through them. Which one is
 * chosen, and by their ids those that are open, stand in the URL.
 */
function MessageList({ rows, label, route, start, onPin, onLook }: MessageListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useVirtual(scroller, { count: rows.length, size: FOLDED, measured: true });
  const open = new Set(listed(route.query.open));
  const selected = Number(route.query.m ?? 0) - 1;
  // Follows what is written for as long as the end is to be seen.
  const atEnd = useRef(selected < 0);
  const byHand = useRef(false);
  const lineOf = ({ source, index, run }: Row): MessageLine | undefined => (run ? undefined : source?.message(index));
  const isOpen = (row: Row | undefined): boolean => row !== undefined && open.has(lineOf(row)?.id ?? '');
  const select = (place: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, place));
    change(route, { m: String(next + 1) }, true);
  };
  const toggle = (place: number, part = ''): void => {
    const line = rows[place] && lineOf(rows[place]);
    if (line) change(route, { m: String(place + 1), open: toggled(route.query.open, line.id + part) }, true);
  };
  const chosen = rows[selected] && lineOf(rows[selected]);
  useKeys({
    n: () => select(selected + 1),
    p: () => select(selected - 1),
    o: () => toggle(selected),
    P: onPin && chosen && (() => onPin(chosen)),
  });
  const isThere = selected >= 0 && selected < rows.length;
  useEffect(() => {
    if (!isThere) return;
    atEnd.current = selected === rows.length - 1;
    list.virtualizer.scrollToIndex(selected, { align: 'auto' });
  }, [selected, isThere]);
  // One that is folded again, or stands elsewhere since a cut, is as high as all others.
  useLayoutEffect(() => {
    onLook?.(atEnd.current ? Number.MAX_SAFE_INTEGER : (list.rows.at(-1)?.index ?? 0));
    for (const { index, size } of list.rows) {
      if (size !== FOLDED && !isOpen(rows[index])) list.virtualizer.resizeItem(index, FOLDED);
    }
  });
  useEffect(() => {
    if (start !== undefined && atEnd.current) list.virtualizer.scrollToIndex(start, { align: 'end' });
  }, [start, list.total, list.virtualizer]);
  const moves = (): void => {
    byHand.current = true;
  };
  return (
    <section
      class="message-list scroller"
      ref={scroller}
      aria-label={label}
      tabIndex={0}
      onWheel={moves}
      onTouchMove={moves}
      onPointerDown={moves}
      onKeyDown={moves}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        if (byHand.current) atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
      }}
    >
      <div class="rows" style={{ height: `${list.total}px` }}>
        {list.rows.map(({ index: place, start: top }) => {
          const row = rows[place];
          if (!row) return null;
          const { source, index, what, run } = row;
          const line = lineOf(row);
          const before = place > 0 && rows[place - 1]?.what === what ? source?.message(index - 1) : undefined;
          return (
            <div
              key={place}
              class="row"
              data-index={place}
              ref={isOpen(row) ? list.virtualizer.measureElement : null}
              style={list.place(top)}
            >
              {run || !source ? (
                <p class="run">{run ? `${counted(run.count, 'message')} kept · ${count(run.tokens)} tokens` : ''}</p>
              ) : (
                <Message
                  source={source}
                  line={line}
                  open={isOpen(row)}
                  reasons={open.has(`${line?.id}${REASONS}`)}
                  selected={place === selected}
                  joined={line !== undefined && before?.group === line.group}
                  {...(what && what !== 'kept' && { what })}
                  onToggle={() => toggle(place)}
                  onReasons={() => toggle(place, REASONS)}
                  onPin={onPin}
                />
              )}
            </div>
          );
        })}
      </div>
    </section>
  );
}

interface WindowProps {
  page: Page;
  route: Route;
  session: string;
  at: At;
  version: unknown;
}

interface LiveWindowProps extends WindowProps {
  /** Of its present version, where that has come already. */
  fresh: WindowPage | undefined;
  onLook(place: number): void;
}

/** The window at a moment, its newest message at the bottom. */
export function WindowView({ page, route, session, at, version, fresh, onLook }: LiveWindowProps) {
  const source = useWindow(session, at, at === 'now' ? version : at, fresh);
  const messages = source?.head?.messages ?? 0;
  const rows = useMemo(
    () => Array.from({ length: messages }, (_, index): Row => ({ source, index })),
    [source, messages],
  );
  if (source?.error) return <Problem text={source.error} />;
  if (!source?.head) return <p class="quiet pad">Reading the window …</p>;
  if (messages === 0) return <Empty title="The window is empty at this moment." />;
  const pin = (line: MessageLine): void =>
    page.ask({
      title: line.pinned ? 'Unpin this message' : 'Pin this message',
      says: line.pinned
        ? 'Truncate and compress may then remove it. The window is written anew, one version on.'
        : 'Truncate and compress then leave it, and its group, in the window. The window is written anew, one version on.',
      verb: line.pinned ? 'Unpin' : 'Pin',
      run: async () => {
        await act('pin', { session, message: line.id, pinned: !line.pinned }, page.overview);
        return line.pinned ? 'Unpinned.' : 'Pinned.';
      },
    });
  const mayPin = at === 'now' && !page.overview.read_only;
  return (
    <MessageList
      key={`${session} ${at}`}
      rows={rows}
      route={route}
      label="messages of the window"
      start={messages - 1}
      onLook={onLook}
      onPin={mayPin ? pin : undefined}
    />
  );
}

/** What became of one window's messages in a later one. */
export function DiffView({ route, session, a, b, version }: Omit<WindowProps, 'page' | 'at'> & { a: At; b: At }) {
  const seen = b === 'now' ? version : b;
  const path = `/sessions/${encodeURIComponent(session)}/diff?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`;
  const { data, error } = useRead<Diff>(path, seen);
  const [earlier, later] = [useWindow(session, a, a), useWindow(session, b, seen)];
  const rows = useMemo(
    () =>
      (data?.runs ?? []).flatMap((run): Row[] => {
        if (run.what === 'kept') return [{ source: later, index: run.index, what: 'kept', run }];
        const source = run.what === 'cut' ? earlier : later;
        return Array.from({ length: run.count }, (_, place) => ({ source, index: run.index + place, what: run.what }));
      }),
    [data, earlier, later],
  );
  if (error) return <Problem text={error} />;
  if (!data) return <p class="quiet pad">Comparing …</p>;
  return (
    <>
      <p class="totals">
        {(['kept', 'cut', 'changed', 'added'] as const).map((what) => (
          <span key={what} class={what}>
            <b>{count(data.totals[what].count)}</b> {what}
            <small>{count(data.totals[what].tokens)} tokens</small>
          </span>
        ))}
      </p>
      {rows.length === 0 ? (
        <Empty title="Both windows are empty." />
      ) : (
        <MessageList key={`${a} ${b}`} rows={rows} route={route} label="messages of both windows" />
      )}
    </>
  );
}
