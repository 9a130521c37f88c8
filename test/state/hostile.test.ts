import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../contract/limits.ts';
import type { PortableState } from '../../emulator/state/schema.ts';
import { startEmulator } from '../support/emulator.ts';
import { exported, furnish, sealed, stateOf } from './files.ts';
import { readable } from './readable.ts';

const AFTER_TIME = 8_640_000_000_001;
const DEEP = 50_000;

/** What has the right hash and was never exported: a file may come with somebody's bug report. */
const HOSTILE: [string, RegExp, (state: PortableState) => void][] = [
  [
    'a session from after the end of time',
    /updated_at/,
    ({ sessions }) => Object.assign(sessions[0] ?? {}, { updated_at: AFTER_TIME }),
  ],
  [
    'a snapshot from after the end of time',
    /created_at/,
    ({ snapshots }) => Object.assign(snapshots[0] ?? {}, { created_at: Number.MAX_SAFE_INTEGER }),
  ],
  [
    'a version behind which there is none',
    /version/,
    ({ sessions }) => Object.assign(sessions[0] ?? {}, { version: Number.MAX_SAFE_INTEGER }),
  ],
  ['places behind which nothing can be counted', /seq/, (state) => move(state, Number.MAX_SAFE_INTEGER - 20)],
  [
    'branches of branches without end',
    /segment \d+: more than \d+ segments in a row/,
    (state) => lengthen(state, 5_000),
  ],
  [
    'tools that are nested without end',
    /nested deeper than \d+ levels \(json_depth/,
    ({ toolsets }) => Object.assign(toolsets[0]?.tools[0]?.function ?? {}, { parameters: { x: nested(400) } }),
  ],
];

describe('a hostile state file', () => {
  it.for(HOSTILE)('with %s is refused, and changes nothing', async ([, wrong, change]) => {
    const { file } = await exported();
    const state = stateOf(file);
    change(state);
    await expectRefusal(sealed(state), wrong);
  });

  it('that is nested deeper than anything can follow is refused, and changes nothing', async () => {
    const { file } = await exported();
    const text = JSON.stringify(stateOf(file)).replace(
      '"parameters":{"type":"object"}',
      `"parameters":{"x":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
    );
    expect(text.length).toBeGreaterThan(DEEP);
    await expectRefusal(sealed(text), /nested deeper than \d+ levels \(json_depth/);
  });
});

it('a state with tools as deep as a request may nest them is imported', async () => {
  // Four levels of the request stand around the parameters.
  const parameters = { type: 'object', x: nested(LIMITS.json_depth.default - 5) };
  const tools = [{ type: 'function', function: { name: 'look_up', parameters } }];
  const [here, there] = [await startEmulator('in process'), await startEmulator('in process')];
  expect((await here.post('/v1/sessions', { tools })).status).toBe(201);
  const deeper = [{ ...tools[0], function: { name: 'look_up', parameters: { ...parameters, x: [parameters.x] } } }];
  expect((await here.post('/v1/sessions', { tools: deeper })).status).toBe(400);
  expect((await there.emulator.state.import(await here.emulator.state.export())).sessions).toHaveLength(1);
});

async function expectRefusal(file: string, wrong: RegExp): Promise<void> {
  const api = await startEmulator('in process', { seed: 'another' });
  await furnish(api);
  const state = async () => [await readable(api, ['sk-test']), (await api.get('/_emulator/clock')).body];
  const before = await state();
  const headers = { 'Content-Type': 'application/json' };
  const refused = await api.send<{ error: { message: string } }>('POST', '/_emulator/import', file, { headers });
  expect(refused).toMatchObject({ status: 400, body: { error: { message: expect.stringMatching(wrong) } } });
  expect(await state()).toEqual(before);
}

/** All places, and the windows that name them, so much later. */
function move({ segments, sessions, snapshots }: PortableState, by: number): void {
  for (const segment of segments) {
    if (segment.parent !== null) segment.parent_seq += by;
    for (const entry of segment.entries) Object.assign(entry, { seq: entry.seq + by, group: entry.group + by });
  }
  const windows = [...sessions.map((row) => row.window), ...snapshots.flatMap((row) => [row.archived, row.restored])];
  for (const window of windows) Object.assign(window, { head: window.head + by, floor: window.floor + by });
}

function lengthen({ segments }: PortableState, by: number): void {
  for (let made = 0; made < by; made += 1) {
    segments.push({ parent: segments.length - 1, parent_seq: 1, entries: [] });
  }
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}
