import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { TurnCost } from '../../billing/billing.ts';
import type { TurnList } from '../answers.ts';
import { read, useReader } from './api.ts';
import { count, counted, Empty, money, type Page, Problem, timeOf, useVirtual } from './parts.tsx';
import { change, href, type Route } from './route.ts';

const ROW = 32;
const HEIGHT = 280;
const SERIES = [
  { name: 'as it was', colour: '--messages', dash: [] },
  { name: 'stateless, with cache', colour: '--summary', dash: [6, 4] },
  { name: 'stateless, without cache', colour: '--cut', dash: [2, 3] },
] as const;

interface Sums {
  own: number[];
  cached: (number | null)[];
  uncached: (number | null)[];
}

/** Costs from the first turn to each. A baseline ends where its history no longer fits the window. */
function sumsOf(turns: readonly TurnCost[]): Sums {
  const sums: Sums = { own: [], cached: [], uncached: [] };
  const total = { own: 0, cached: 0, uncached: 0 };
  const beyond = new Set<string | null>();
  for (const { cost, stateless, session } of turns) {
    total.own += cost;
    if (!stateless) beyond.add(session);
    total.cached += stateless?.with_cache ?? 0;
    total.uncached += stateless?.without_cache ?? 0;
    sums.own.push(total.own);
    sums.cached.push(beyond.size > 0 ? null : total.cached);
    sums.uncached.push(beyond.size > 0 ? null : total.uncached);
  }
  return sums;
}

/** The turns of a session, or of all, of which only what is new is asked for. */
function useTurns(
  session: string | undefined,
  { live }: Page,
): { list: TurnList | undefined; error: string | undefined } {
  const [list, setList] = useState<TurnList>();
  const known = useRef<TurnList>();
  const [load, error] = useReader(async () => {
    const old = known.current?.turns ?? [];
    const query = new URLSearchParams({ since: String(old.at(-1)?.n ?? 0), ...(session && { session }) });
    const found = await read<TurnList>(`/spend?${query}`);
    known.current = { ...found, turns: [...old.filter(({ n }) => n >= found.first), ...found.turns] };
    setList(known.current);
  });
  useEffect(() => {
    if (!known.current || !session || live.sessions === null || live.sessions.includes(session)) load();
  }, [live]);
  return { list, error };
}

const NO_TURNS: readonly TurnCost[] = [];

export function SpendView({ page, route }: { page: Page; route: Route }) {
  const { session } = route.query;
  const { list: found, error } = useTurns(session, page);
  const turns = found?.turns ?? NO_TURNS;
  const sums = useMemo(() => sumsOf(turns), [turns]);
  if (error) return <Problem text={error} />;
  if (!found) return <p class="quiet pad">Adding up …</p>;
  const { currency } = found;
  const comparable = turns.filter(({ stateless }) => stateless !== null);
  const sum = (figure: (turn: TurnCost) => number): number =>
    comparable.reduce((total, turn) => total + figure(turn), 0);
  const own = sum(({ cost }) => cost);
  const baselines = [
    { name: 'stateless, with cache', cost: sum(({ stateless }) => stateless?.with_cache ?? 0) },
    { name: 'stateless, without cache', cost: sum(({ stateless }) => stateless?.without_cache ?? 0) },
  ];
  return (
    <main class="spend scroller">
      <h1 class="unseen">Spend</h1>
      <div class="controls">
        <p>
          {session ? (
            <>
              <a href={href(['session', session])}>{session}</a>{' '}
              <button type="button" class="small" onClick={() => change(route, { session: undefined })}>
                Show all sessions
              </button>
            </>
          ) : (
            'All sessions of this run'
          )}
        </p>
      </div>
      {turns.length === 0 ? (
        <Empty title="Nothing has been spent.">
          <p>Each chat turn appears here with its cost, beside what it would have cost without a session.</p>
        </Empty>
      ) : (
        <>
          <dl class="cards">
            <div>
              <dt>as it was, {counted(turns.length, 'turn')}</dt>
              <dd>{money(sums.own.at(-1) ?? 0, currency)}</dd>
            </div>
            {baselines.map(({ name, cost }) => (
              <div key={name}>
                <dt>
                  {name}
                  {comparable.length < turns.length && `, ${counted(comparable.length, 'turn')}`}
                </dt>
                <dd>{money(cost, currency)}</dd>
                <dd class="quiet">{savedBy(own, cost)}</dd>
              </div>
            ))}
          </dl>
          <Chart sums={sums} currency={currency} />
          <p class="quiet">
            Stateless: the same turns by a client that sends everything it ever wrote, uncut.
            {comparable.length < turns.length && ' A baseline ends where that no longer fits the window.'}
          </p>
          <Turns turns={turns} currency={currency} withSession={!session} />
        </>
      )}
    </main>
  );
}

function savedBy(own: number, other: number): string {
  if (other === 0) return '';
  const share = (100 * (other - own)) / other;
  return share >= 0 ? `saved ${share.toFixed(1)} %` : `cost ${(-share).toFixed(1)} % more`;
}

function Chart({ sums, currency }: { sums: Sums; currency: string }) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const [width, setWidth] = useState(0);
  const data = useMemo(
    (): uPlot.AlignedData => [sums.own.map((_, place) => place + 1), sums.own, sums.cached, sums.uncached],
    [sums],
  );
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const listen = (): void => setDark(query.matches);
    query.addEventListener('change', listen);
    return () => query.removeEventListener('change', listen);
  }, []);
  useEffect(() => {
    if (!element.current || width === 0) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const chart = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, label: 'turn', labelSize: 20, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] },
          {
            ...axis,
            size: 80,
            label: currency,
            labelSize: 20,
            values: (_, ticks) => ticks.map((tick) => tick.toLocaleString('en-US', { maximumFractionDigits: 6 })),
          },
        ],
        series: [
          {},
          ...SERIES.map(({ name, colour: of, dash }) => ({
            label: name,
            stroke: colour(of),
            width: 2,
            dash: [...dash],
          })),
        ],
      },
      latest.current,
      element.current,
    );
    plot.current = chart;
    return () => chart.destroy();
  }, [width, dark, currency]);
  useEffect(() => plot.current?.setData(data), [data]);
  const last = sums.own.length - 1;
  return (
    <figure class="chart">
      <div ref={element} role="img" aria-label={`cost so far: ${money(sums.own[last] ?? 0, currency)}`} />
      <figcaption class="legend">
        {SERIES.map(({ name, colour }) => (
          <span key={name}>
            <i class={colour.slice(2)} />
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function Turns({
  turns,
  currency,
  withSession,
}: {
  turns: readonly TurnCost[];
  currency: string;
  withSession: boolean;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useVirtual(scroller, { count: turns.length, size: ROW });
  return (
    <section class="turns">
      <p class="turn-row heading">
        <span>turn</span>
        <span class="wide">time</span>
        <span class="figure wide">prompt</span>
        <span class="figure wide">cached</span>
        <span class="figure wide">output</span>
        <span class="figure">cost</span>
        <span class="figure">with cache</span>
        <span class="figure">without</span>
      </p>
      <section class="scroller" ref={scroller} tabIndex={0} aria-label="turns, the newest first">
        <ol class="rows" style={{ height: `${list.total}px` }}>
          {list.rows.map(({ index, start }) => {
            const place = turns.length - 1 - index;
            const turn = turns[place];
            return (
              turn && (
                <li key={place} class="row turn-row" style={list.place(start)}>
                  <span>{place + 1}</span>
                  <span class="wide">
                    {withSession && turn.session ? (
                      <a href={href(['session', turn.session])}>{timeOf(turn.at)}</a>
                    ) : (
                      timeOf(turn.at)
                    )}
                  </span>
                  <span class="figure wide">{count(turn.prompt_tokens)}</span>
                  <span class="figure wide">{count(turn.cached_tokens)}</span>
                  <span class="figure wide">{count(turn.output_tokens)}</span>
                  <span class="figure">{turn.cost.toFixed(6)}</span>
                  <span class="figure">{turn.stateless?.with_cache.toFixed(6) ?? 'does not fit'}</span>
                  <span class="figure">{turn.stateless?.without_cache.toFixed(6) ?? 'does not fit'}</span>
                </li>
              )
            );
          })}
        </ol>
      </section>
      <p class="quiet">Costs in {currency}.</p>
    </section>
  );
}
