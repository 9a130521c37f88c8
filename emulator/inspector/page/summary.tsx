import { useMemo, useRef } from 'preact/hooks';
import type { At, Dropped, SummaryView as Summary } from '../answers.ts';
import { useRead } from './api.ts';
import { Message, useWindow, WindowSource } from './messages.tsx';
import { count, Empty, Problem, Search, Text, useKeys } from './parts.tsx';
import { change, listed, type Route, toggled } from './route.ts';

interface Props {
  route: Route;
  session: string;
  at: At;
  version: unknown;
}

/** Each line of a summary beside the message that it quotes, and what of the window before it is left out. */
export function SummaryView({ route, session, at, version }: Props) {
  const { q = '', section = '', line = '0' } = route.query;
  const query = new URLSearchParams({ at, ...(q && { q }), ...(section && { section }) });
  const seen = at === 'now' ? version : at;
  const { data, error } = useRead<Summary>(`/sessions/${encodeURIComponent(session)}/summary?${query}`, seen);
  const shown = useRef<Summary>();
  if (data) shown.current = data;
  const view = shown.current;
  const search = useRef<HTMLInputElement>(null);
  const chosen = view?.lines[Number(line)];
  const step = (by: number): void => {
    const next = Math.max(0, Math.min((view?.lines.length ?? 1) - 1, Number(line) + by));
    change(route, { line: String(next) }, true);
  };
  useKeys({ n: () => step(1), p: () => step(-1), '/': () => search.current?.focus() });
  if (error) return <Empty title="There is no summary to look into.">{<p>{error}</p>}</Empty>;
  if (!view) return <p class="quiet pad">Reading the summary …</p>;
  const sections = [...new Set(view.lines.map((each) => each.section))];
  return (
    <div class="summary-view">
      <section class="lines scroller" aria-label="lines of the summary" tabIndex={0}>
        {sections.map((name) => (
          <section key={name}>
            <h2>{name}</h2>
            {view.lines.map((each, place) =>
              each.section === name ? (
                <button
                  key={place}
                  type="button"
                  class="line"
                  aria-current={place === Number(line)}
                  onClick={() => change(route, { line: String(place) }, true)}
                >
                  <small>{each.label}</small>
                  <Text>{each.text}</Text>
                </button>
              ) : null,
            )}
          </section>
        ))}
      </section>
      <section class="origin scroller" aria-label="the message that the line quotes" tabIndex={0}>
        <h2>Quoted from</h2>
        {chosen?.snapshot ? (
          <Origin session={session} at={chosen.snapshot} index={chosen.index} mark={chosen.text} />
        ) : (
          <p class="quiet">
            {view.lines.length === 0 ? 'The summary has no lines.' : 'The snapshot of this line is not known.'}
          </p>
        )}
        <h2>Left out</h2>
        <div class="controls">
          <label>
            <span>Section</span>
            <select value={section} onChange={(event) => change(route, { section: event.currentTarget.value }, true)}>
              <option value="">all</option>
              {view.dropped.map(({ section: name, dropped, kept }) => (
                <option key={name} value={name}>
                  {name}: {count(dropped)} of {count(dropped + kept)}
                </option>
              ))}
            </select>
          </label>
          <Search label="Search" input={search} value={q} onType={(text) => change(route, { q: text }, true)} />
        </div>
        <ol class="pieces">
          {view.pieces.map((piece, place) => (
            <li key={place}>
              <small>
                {piece.section} #{piece.index + 1}
              </small>
              <Text mark={wordsIn(q)}>{piece.text}</Text>
            </li>
          ))}
        </ol>
        {view.pieces.length === 0 && <p class="quiet">Nothing that fits was left out.</p>}
        {view.more && <p class="quiet">There is more: search for words of it.</p>}
      </section>
    </div>
  );
}

function Origin({ session, at, index, mark }: { session: string; at: At; index: number; mark: string }) {
  const source = useWindow(session, at, at);
  if (source?.error) return <Problem text={source.error} />;
  const line = source?.message(index);
  if (!source || !line) return <p class="quiet">Reading the message …</p>;
  const quoted = mark.split(/ … |; /).slice(0, 1);
  return <Message key={`${at} ${index}`} source={source} line={line} open mark={quoted} onToggle={() => undefined} />;
}

/** As the server looks for them: each for itself, whatever its case. */
function wordsIn(query: string): string[] {
  return query.split(/\s+/).filter(Boolean);
}

/** Search in what the session once held and its window at this moment does not. */
export function DroppedView({ route, session, at, version }: Props) {
  const { q = '' } = route.query;
  const seen = at === 'now' ? version : at;
  const path = `/sessions/${encodeURIComponent(session)}/dropped?${new URLSearchParams({ at, q })}`;
  const { data, error } = useRead<Dropped>(q.trim() === '' ? undefined : path, seen);
  const open = listed(route.query.open);
  const search = useRef<HTMLInputElement>(null);
  const source = useMemo(() => new WindowSource(session, at, () => undefined), [session, at]);
  useKeys({ '/': () => search.current?.focus() });
  return (
    <section class="dropped-view scroller" aria-label="what was dropped" tabIndex={0}>
      <div class="controls">
        <Search
          label="Search in what was dropped"
          input={search}
          value={q}
          placeholder="words of a message that is not in the window"
          onType={(text) => change(route, { q: text }, true)}
        />
        {data && (
          <p class="quiet">
            {count(data.items.length)}
            {data.more ? ' and more' : ''} of {count(data.searched)} dropped messages
          </p>
        )}
      </div>
      <Problem text={error} />
      {data?.items.map((line) => (
        <Message
          key={line.id}
          source={source}
          line={line}
          open={open.includes(line.id)}
          mark={wordsIn(q)}
          onToggle={() => change(route, { open: toggled(route.query.open, line.id) }, true)}
        />
      ))}
      {data?.items.length === 0 && <Empty title="Nothing that was dropped has these words." />}
      {q === '' && (
        <Empty title="Search in what was dropped">
          <p>Messages of past windows and snapshots that are not in the window at this moment.</p>
        </Empty>
      )}
    </section>
  );
}
