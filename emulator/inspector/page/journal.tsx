import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RequestLine, RequestList, RequestText } from '../answers.ts';
import { act, read, useRead, useReader } from './api.ts';
import { count, Empty, money, type Page, Problem, Search, Text, timeOf, useKeys, useVirtual } from './parts.tsx';
import { change, href, type Route } from './route.ts';
import { requestSnippets } from './snippets.ts';

const ROW = 36;
/** Requests that are kept: twice what the server remembers by default. */
const MOST = 2_000;

/** The requests so far, of which only what is new is asked for. */
function useRequests({ live }: Page): { list: readonly RequestLine[] | undefined; error: string | undefined } {
  const [list, setList] = useState<readonly RequestLine[]>();
  const known = useRef<readonly RequestLine[]>();
  const [load, error] = useReader(async () => {
    const done = (known.current ?? []).filter(({ status }) => status !== 0);
    const since = Math.max(0, ...done.map(({ n }) => n));
    const { items, first } = await read<RequestList>(`/requests?since=${since}`);
    const next = new Map(done.filter(({ n }) => n >= first).map((line) => [line.n, line]));
    for (const line of items) next.set(line.n, line);
    known.current = [...next.values()].sort((a, b) => a.n - b.n).slice(-MOST);
    setList(known.current);
  });
  useEffect(load, [live.requests]);
  return { list, error };
}

/** Words that stand anywhere in the line; `4xx` is a class of statuses. */
function fits(line: RequestLine, words: readonly string[]): boolean {
  const { n, method, path, operation, session, status, code, hint, effect, account, faults } = line;
  const all = [`#${n}`, method, operation, status, code, hint, effect, faults.join(' ')];
  // A word as short as a status stands in many ids.
  const ids = `${path} ${session} ${account}`.toLowerCase();
  const text = `${all.join(' ')} ${Math.floor(status / 100)}xx`.toLowerCase();
  return words.every((word) => text.includes(word) || (!/^\d{1,3}$/.test(word) && ids.includes(word)));
}

export function JournalView({ page, route }: { page: Page; route: Route }) {
  const { list, error } = useRequests(page);
  const { q = '', n = '' } = route.query;
  const filter = useRef<HTMLInputElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = (list ?? []).filter((line) => fits(line, words));
    // What led to a refusal stays beside it.
    const shows = new Set(found.flatMap(({ n: number, cause }) => (cause === null ? number : [number, cause])));
    return (list ?? []).filter((line) => shows.has(line.n)).reverse();
  }, [list, q]);
  const rows = useVirtual(scroller, { count: shown.length, size: ROW });
  const selected = shown.findIndex((line) => String(line.n) === n);
  const places = useMemo(() => new Map(shown.map((line, place) => [line.n, place])), [shown]);
  const select = (place: number): void => {
    const next = Math.max(0, Math.min(shown.length - 1, place));
    rows.virtualizer.scrollToIndex(next, { align: 'auto' });
    change(route, { n: String(shown[next]?.n ?? '') }, true);
  };
  useKeys({
    j: () => select(selected + 1),
    k: () => select(selected - 1),
    '/': () => filter.current?.focus(),
    Escape: () => change(route, { n: undefined }, true),
  });
  const isListed = selected >= 0;
  // A link to a request shows it in the list too.
  useEffect(() => {
    if (isListed) rows.virtualizer.scrollToIndex(selected, { align: 'auto' });
  }, [isListed, n]);
  const line = shown[selected];
  if (error && !list) return <Problem text={error} />;
  const pairs = rows.rows.flatMap(({ index }) => {
    const { cause, n: number } = shown[index] ?? { cause: null, n: 0 };
    const from = cause === null ? undefined : places.get(cause);
    return from === undefined ? [] : [{ number, cause, top: index * ROW + ROW / 2, height: (from - index) * ROW }];
  });
  return (
    <main class={line ? 'journal with-details' : 'journal'}>
      <h1 class="unseen">Journal</h1>
      <div class="controls">
        <Search
          label="Filter"
          input={filter}
          value={q}
          placeholder="400, truncate, a session, a code"
          onType={(text) => change(route, { q: text }, true)}
        />
        <p class="quiet">
          {count(shown.length)} of {count(list?.length ?? 0)} requests
        </p>
      </div>
      {list && shown.length === 0 ? (
        <Empty title={list.length === 0 ? 'No requests yet.' : 'No request fits the filter.'} />
      ) : (
        <section class="scroller" ref={scroller} tabIndex={0} aria-label="requests">
          <ol class="rows" style={{ height: `${rows.total}px` }}>
            {pairs.map(({ number, cause, top, height }) => (
              <li
                key={`pair ${number}`}
                class="pair"
                aria-hidden="true"
                title={`#${cause} led to #${number}`}
                style={{ top: `${top}px`, height: `${height}px` }}
              />
            ))}
            {rows.rows.map(({ index, start }) => {
              const row = shown[index];
              return (
                row && (
                  <li key={row.n} class={index === selected ? 'row selected' : 'row'} style={rows.place(start)}>
                    <button
                      type="button"
                      class="request"
                      aria-current={index === selected}
                      onClick={() => select(index)}
                    >
                      <RequestCells line={row} currency={page.overview.currency} />
                    </button>
                  </li>
                )
              );
            })}
          </ol>
        </section>
      )}
      {line && <Details key={line.n} page={page} route={route} line={line} />}
    </main>
  );
}

function RequestCells({ line, currency }: { line: RequestLine; currency: string }) {
  const { n, at, status, code, operation, method, path, effect, tokens, cached, output, cost, took } = line;
  const usage = tokens === null ? '' : output === null ? count(tokens) : `${count(tokens)} → ${count(output)}`;
  return (
    <>
      <span class="number">{n}</span>
      <span class="wide">{timeOf(at)}</span>
      <span class={`status s${Math.floor(status / 100)}`}>{status === 0 ? '…' : status}</span>
      <span class="operation">
        <Text>{operation ?? `${method} ${path}`}</Text>
      </span>
      <span class="quiet effect">
        <Text>{code ?? effect}</Text>
      </span>
      <span class="figure wide">{usage}</span>
      <span class="figure wide">{cached ? `${count(cached)} cached` : ''}</span>
      <span class="figure">{cost === null ? '' : money(cost, currency)}</span>
      <span class="figure wide">{took === null ? '' : `${took.toFixed(1)} ms`}</span>
    </>
  );
}

function Details({ page, route, line }: { page: Page; route: Route; line: RequestLine }) {
  const { data, error } = useRead<RequestText>(`/requests/${line.n}`, line.status);
  const replay = (): void =>
    page.ask({
      title: `Send request #${line.n} again`,
      says: `Sends ${line.method} ${line.path} with the same body and the same key, and does again what it did. Through a gateway the upstream is asked, which may cost money.`,
      verb: 'Send it',
      run: async () => {
        const { status } = await act<{ status: number }>('replay', { request: line.n }, page.overview);
        return `Sent: the answer is ${status}.`;
      },
    });
  const code = (): void => {
    if (data) page.copy(requestSnippets(page.overview.base_url, line, data));
  };
  useKeys({ c: code, R: !page.overview.read_only && data?.repeatable && replay });
  return (
    <section class="details scroller" aria-label={`request ${line.n}`} tabIndex={0}>
      <h2>
        #{line.n} {line.method} <Text>{line.path}</Text>
      </h2>
      <p>
        <span class={`status s${Math.floor(line.status / 100)}`}>{line.status || 'not answered yet'}</span> {line.code}
        {line.session && (
          <>
            {' · '}
            <a href={href(['session', line.session])}>{line.session}</a>
          </>
        )}
        {line.faults.length > 0 && ` · by the fault ${line.faults.join(', ')}`}
      </p>
      {line.hint && (
        <p class="hint">
          <Text>{line.hint}</Text>
          {line.cause !== null && (
            <>
              {' '}
              <a href={href(route.path, { ...route.query, n: String(line.cause) })}>Show request #{line.cause}</a>
            </>
          )}
        </p>
      )}
      <p class="buttons">
        <button type="button" onClick={() => change(route, { n: undefined }, true)}>
          Close
        </button>
        <button type="button" onClick={code} disabled={!data}>
          Copy as code
        </button>
        {!page.overview.read_only && (
          <button
            type="button"
            onClick={replay}
            disabled={!data?.repeatable}
            title={data && !data.repeatable ? 'its body was too long to be remembered in whole' : ''}
          >
            Send again
          </button>
        )}
      </p>
      <Problem text={error} />
      {data?.request && (
        <>
          <h3>Request</h3>
          <pre tabIndex={0}>
            <Text>{data.request}</Text>
          </pre>
        </>
      )}
      {data?.answer && (
        <>
          <h3>Answer</h3>
          <pre tabIndex={0}>
            <Text>{data.answer}</Text>
          </pre>
        </>
      )}
    </section>
  );
}
