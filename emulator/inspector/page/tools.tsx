import { useState } from 'preact/hooks';
import type { Finding } from '../../doctor/finding.ts';
import { act, download, useRead } from './api.ts';
import { counted, dateOf, type Page, Problem, Text, useKeys } from './parts.tsx';
import { change, href, type Route } from './route.ts';

const HOUR = 3_600;
const STEPS = { '1 minute': 60, '1 hour': HOUR, '1 day': 24 * HOUR } as const;
const CODES = [
  'engine_overloaded',
  'rpm_limit',
  'tpm_limit',
  'unexpected_output',
  'session_busy',
  'quota_exceeded',
] as const;
const OPERATIONS = [
  'createChatCompletion',
  'appendMessages',
  'truncateSession',
  'compressSession',
  'createSnapshot',
] as const;

interface ShownFault {
  id: string;
  effect: string;
  remaining: number;
  [detail: string]: unknown;
}

/** The clock, faults on demand, the doctor and the export: what is of the whole emulator. */
export function ToolsView({ page, route }: { page: Page; route: Route }) {
  const exportIt = (): void => void download(undefined).catch((problem: Error) => page.say(problem.message));
  useKeys({ e: exportIt });
  return (
    <main class="tools-view scroller">
      <h1 class="unseen">Tools</h1>
      <Clock page={page} />
      <Faults page={page} />
      <Doctor page={page} route={route} />
      <section>
        <h2>Export</h2>
        <p>
          All sessions and snapshots as one file. <code>kimi-emulator inspect FILE</code> opens it, read-only.
        </p>
        <p class="buttons">
          <button type="button" onClick={exportIt}>
            Export the state
          </button>
        </p>
      </section>
    </main>
  );
}

function Clock({ page }: { page: Page }) {
  const move = (name: string, seconds: number): void =>
    page.ask({
      title: `Move the clock by ${name}`,
      says: 'Time passes at once for the whole emulator: shares, stored answers and rate limits that expire within it have expired. A reset moves it back.',
      verb: 'Move it',
      run: async () => {
        const { now } = await act<{ now: number }>('clock', { advance: seconds }, page.overview);
        return `It is ${dateOf(now)} now.`;
      },
    });
  return (
    <section>
      <h2>Clock</h2>
      <p class="time">{dateOf(page.live.now || page.overview.now)} UTC</p>
      {!page.overview.read_only && (
        <p class="buttons">
          {Object.entries(STEPS).map(([name, seconds]) => (
            <button key={name} type="button" onClick={() => move(name, seconds)}>
              Forward {name}
            </button>
          ))}
        </p>
      )}
    </section>
  );
}

function Faults({ page }: { page: Page }) {
  const { data } = useRead<{ data: ShownFault[] }>('/faults', page.live.faults);
  const [code, setCode] = useState<string>(CODES[0]);
  const [operation, setOperation] = useState<string>(OPERATIONS[0]);
  const [times, setTimes] = useState(1);
  const add = (event: Event): void => {
    event.preventDefault();
    page.ask({
      title: 'Set a fault',
      says: `The next ${counted(times, 'request')} of ${operation} ${times === 1 ? 'is' : 'are'} refused with ${code}, whoever asks.`,
      verb: 'Set it',
      run: async () => {
        const body = { effect: 'error', code, operation, times };
        const { id } = await act<{ id: string }>('fault', body, page.overview);
        return `Set: ${id}`;
      },
    });
  };
  return (
    <section>
      <h2>Faults</h2>
      {data?.data.length === 0 && <p class="quiet">None is set.</p>}
      <ul class="faults">
        {data?.data.map((fault) => (
          <li key={fault.id}>
            <code>
              <Text>{JSON.stringify(fault)}</Text>
            </code>
            {!page.overview.read_only && (
              <button
                type="button"
                class="small"
                aria-label={`Remove ${fault.id}`}
                onClick={() =>
                  page.ask({
                    title: 'Remove the fault',
                    says: `${fault.id} acts no more.`,
                    verb: 'Remove',
                    run: () => act('unfault', { id: fault.id }, page.overview).then(() => 'Removed.'),
                  })
                }
              >
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {!page.overview.read_only && (
        <form class="controls" onSubmit={add}>
          <label>
            <span>Error</span>
            <select value={code} onChange={(event) => setCode(event.currentTarget.value)}>
              {CODES.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            <span>Operation</span>
            <select value={operation} onChange={(event) => setOperation(event.currentTarget.value)}>
              {OPERATIONS.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            <span>Times</span>
            <input
              type="number"
              min={1}
              max={1_000}
              value={times}
              onInput={(event) => setTimes(Math.max(1, Number(event.currentTarget.value) || 1))}
            />
          </label>
          <button type="submit">Set a fault</button>
        </form>
      )}
    </section>
  );
}

function Doctor({ page, route }: { page: Page; route: Route }) {
  const [again, setAgain] = useState(0);
  const { data, error } = useRead<{ findings: Finding[]; requests: number }>(
    route.query.doctor ? '/doctor' : undefined,
    again,
  );
  const run = (): void => {
    change(route, { doctor: 'run' }, true);
    setAgain(again + 1);
  };
  useKeys({ x: run });
  return (
    <section>
      <h2>Doctor</h2>
      <p>What in this run would fail, or cost more, on the live API. It reads the journal and changes nothing.</p>
      <p class="buttons">
        <button type="button" onClick={run}>
          Run the doctor
        </button>
        {data && <span class="quiet">{counted(data.requests, 'request')} read</span>}
      </p>
      <Problem text={error} />
      <ul class="findings">
        {data?.findings.map(({ rule, level, says, fix, evidence }) => (
          <li key={rule} class={level}>
            <b>{level}</b> <Text>{says}</Text>
            {fix && (
              <p>
                <Text>{fix}</Text>
              </p>
            )}
            {evidence.length > 0 && level !== 'ok' && (
              <p class="quiet">
                {evidence.slice(0, 12).map((n) => (
                  <a key={n} href={href(['journal'], { n: String(n) })}>
                    #{n}{' '}
                  </a>
                ))}
              </p>
            )}
          </li>
        ))}
      </ul>
      {!page.overview.read_only && data?.requests === 0 && <p class="quiet">Run a client first.</p>}
    </section>
  );
}
