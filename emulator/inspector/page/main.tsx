import { render } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import './page.css';
import type { Overview } from '../answers.ts';
import { follow, keepControlKey, type Live, NOT_LIVE, Refused, read } from './api.ts';
import { JournalView } from './journal.tsx';
import { type Ask, AskDialog, CopyDialog, Dialog, type Page, Problem, useKeys } from './parts.tsx';
import { go, href, useRoute } from './route.ts';
import { SessionView } from './session.tsx';
import { SessionsView } from './sessions.tsx';
import { SpendView } from './spend.tsx';
import { ToolsView } from './tools.tsx';

const PLACES = { sessions: [], journal: ['journal'], spend: ['spend'], tools: ['tools'] } as const;

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['1 2 3 4', 'sessions, journal, spend, tools'],
  ['j k', 'down and up: sessions, moments, requests'],
  ['Enter', 'open the session'],
  ['/', 'filter or search'],
  ['d', 'difference with an earlier moment; again: the window'],
  ['m', 'compare from this moment'],
  ['v', 'next view: window, diff, summary, dropped'],
  ['n p o', 'next and previous message, open it'],
  ['P', 'pin the message, or unpin it'],
  ['f', 'fork here'],
  ['r', 'roll back to here'],
  ['u', 'undo the last change; again: the one before'],
  ['s e', 'take a snapshot; export the session'],
  ['c', 'copy as curl, TypeScript or Python'],
  ['R', 'send the request again'],
  ['x', 'run the doctor, in tools'],
  ['Esc', 'back'],
  ['?', 'this list'],
];
const MESSAGE_MS = 6_000;

function App() {
  const route = useRoute();
  const [overview, setOverview] = useState<Overview>();
  const [closed, setClosed] = useState<Error>();
  const [live, setLive] = useState<Live>(NOT_LIVE);
  const [ask, setAsk] = useState<Ask>();
  const [snippets, setSnippets] = useState<Record<string, string>>();
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState<string>();
  const load = useCallback(() => {
    read<Overview>('').then(setOverview, setClosed);
  }, []);
  useEffect(load, [load]);
  const isOpen = overview !== undefined;
  useEffect(() => {
    if (!isOpen) return;
    const onRefused = (refused: Refused): void => {
      setOverview(undefined);
      setClosed(refused);
    };
    return follow({ onEvent: setLive, onRefused });
  }, [isOpen]);
  // What was asked is of a place that has been left, as with the browser's Back. At once: what is asked next is of the new one.
  const where = route.path.join('/');
  useLayoutEffect(() => {
    setAsk(undefined);
    setSnippets(undefined);
    setHelp(false);
  }, [where]);
  // A server that was started anew has another token.
  useEffect(() => {
    if (isOpen && live.connected) load();
  }, [isOpen, live.connected, load]);
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => setSaid(undefined), MESSAGE_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const places = Object.values(PLACES);
  useKeys({
    ...Object.fromEntries(places.map((path, place) => [String(place + 1), () => go(path)])),
    '?': () => setHelp(true),
  });
  const page = useMemo(
    (): Page | undefined => overview && { overview, live, ask: setAsk, copy: setSnippets, say: setSaid },
    [overview, live],
  );
  // A server that was started anew knows nothing of what was shown.
  const token = overview?.token;
  const [place = 'sessions'] = route.path;
  const name = place === 'session' ? 'sessions' : place;
  return (
    <>
      <header class="bar-top">
        <a href={href([])} class="brand">
          kimi-emulator <span>inspector</span>
        </a>
        <nav aria-label="parts of the inspector">
          {Object.entries(PLACES).map(([label, path]) => (
            <a key={label} href={href(path)} aria-current={name === label ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <span class="state">
          {overview?.read_only && <b>read-only</b>}
          <span class={live.connected ? 'live on' : 'live'} role="status">
            {live.connected ? 'live' : 'not connected'}
          </span>
          <button type="button" class="small" aria-label="Keys" onClick={() => setHelp(true)}>
            ?
          </button>
        </span>
      </header>
      {page ? (
        place === 'session' ? (
          <SessionView key={`${token} ${route.path[1]}`} page={page} route={route} />
        ) : place === 'journal' ? (
          <JournalView key={token} page={page} route={route} />
        ) : place === 'spend' ? (
          <SpendView key={`${token} ${route.query.session}`} page={page} route={route} />
        ) : place === 'tools' ? (
          <ToolsView page={page} route={route} />
        ) : (
          <SessionsView key={token} page={page} route={route} />
        )
      ) : (
        closed && <Closed problem={closed} onKey={load} />
      )}
      {ask && (
        <AskDialog
          ask={ask}
          onClose={(done) => {
            setAsk(undefined);
            if (done !== undefined) setSaid(done);
          }}
        />
      )}
      {snippets && <CopyDialog snippets={snippets} onClose={() => setSnippets(undefined)} />}
      {help && (
        <Dialog title="Keys" onClose={() => setHelp(false)}>
          <dl class="keys">
            {KEYS.map(([keys, what]) => (
              <div key={keys}>
                <dt>
                  {keys.split(' ').map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
          <p class="buttons">
            <button type="button" onClick={() => setHelp(false)}>
              Close
            </button>
          </p>
        </Dialog>
      )}
      <p class={said ? 'said shown' : 'said'} role="status">
        {said}
      </p>
    </>
  );
}

/** The server does not answer, or lets nobody in without its control key. */
function Closed({ problem, onKey }: { problem: Error; onKey: () => void }) {
  const [key, setKey] = useState('');
  const [tried, setTried] = useState<string>();
  const submit = (event: Event): void => {
    event.preventDefault();
    keepControlKey(key);
    setTried(key);
    onKey();
  };
  return (
    <main class="empty">
      <h1>{problem instanceof Refused ? 'The inspector is closed' : 'The server does not answer'}</h1>
      <p>{problem.message}</p>
      {problem instanceof Refused && problem.asksForKey && (
        <form class="controls" onSubmit={submit}>
          <label>
            <span>Control key</span>
            <input
              type="password"
              autocomplete="off"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="primary">
            Open
          </button>
          {tried === key && key !== '' && <Problem text="This key does not open it." />}
        </form>
      )}
    </main>
  );
}

const root = document.getElementById('page');
if (root) render(<App />, root);
