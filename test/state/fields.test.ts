import { expect, it } from 'vitest';
import type { LimitName } from '../../contract/limits.ts';
import type { PortableState } from '../../emulator/state/schema.ts';
import { startEmulator } from '../support/emulator.ts';
import { exported, furnish, sealed, stateOf } from './files.ts';

type Change = (state: PortableState) => void;

const manyPairs = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 'v']));

/** What creation refuses with these words, an import does as well. */
const OVER: [string, string, Change][] = [
  ['a title', 'sessions[0].title: Too big: expected string to have <=512', onSession({ title: 't'.repeat(1_000_000) })],
  ['pairs', 'sessions[0].metadata: at most 16 pairs', onSession({ metadata: manyPairs })],
  [
    'a key',
    `sessions[0].metadata.${'k'.repeat(65)}: the key: Too big: expected string`,
    onSession({ metadata: { ['k'.repeat(65)]: 'v' } }),
  ],
  ['a value', 'sessions[0].metadata.k: Too big: expected string', onSession({ metadata: { k: 'v'.repeat(513) } })],
  ['a name', 'snapshots[0].name: Too big: expected string', onSnapshot({ name: 't'.repeat(513) })],
  ["a snapshot's pairs", 'snapshots[0].metadata: at most 16 pairs', onSnapshot({ metadata: manyPairs })],
  ['tools', 'toolsets[0].tools: Too big: expected array to have <=128 items', withTools(129)],
];

it.each(OVER)(
  'an import of more than the limit of %s names the field, and changes nothing',
  async (_, says, change) => {
    const api = await startEmulator('in process', { seed: 'another' });
    await furnish(api);
    const before = await api.emulator.state.export();
    const state = stateOf((await exported()).file);
    change(state);
    await expect(api.emulator.state.import(sealed(state))).rejects.toThrow(`the file's state is invalid: ${says}`);
    expect(await api.emulator.state.export()).toBe(before);
  },
);

it('an import accepts what the configured limits allow', async () => {
  const limits: Partial<Record<LimitName, number>> = {
    title_chars: 600,
    metadata_pairs: 17,
    metadata_key_chars: 65,
    metadata_value_chars: 513,
    tools: 129,
  };
  const api = await startEmulator('in process', { limits });
  const state = stateOf((await exported()).file);
  const pairs = Array.from({ length: 16 }, (_, at) => [`k${at}`, 'v']);
  const metadata = Object.fromEntries([...pairs, ['k'.repeat(65), 'v'.repeat(513)]]);
  onSession({ title: 't'.repeat(600), metadata })(state);
  withTools(129)(state);
  expect((await api.emulator.state.import(sealed(state))).sessions).toHaveLength(1);
});

function onSession(fields: Partial<PortableState['sessions'][number]>): Change {
  return ({ sessions }) => Object.assign(sessions[0] ?? {}, fields);
}

function onSnapshot(fields: Partial<PortableState['snapshots'][number]>): Change {
  return ({ snapshots }) => Object.assign(snapshots[0] ?? {}, fields);
}

function withTools(count: number): Change {
  return ({ toolsets: [first] }) => {
    const [tool] = first?.tools ?? [];
    if (first && tool) first.tools = Array.from({ length: count }, () => tool);
  };
}
