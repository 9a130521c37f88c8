import { describe, expect, it } from 'vitest';
import type { PortableState } from '../../emulator/state/schema.ts';
import { startEmulator } from '../support/emulator.ts';
import { exported, sealed, stateOf } from './files.ts';

/** What nobody has exported, though its hash is right: each changes one thing, and is told by it. */
const WRONGS: [string, RegExp, (state: PortableState) => void][] = [
  [
    'a window of more tokens',
    /tokens or messages of the window do not add up/,
    (state) => change(session(state).window, 'tokens', 1),
  ],
  [
    'a window of fewer messages',
    /tokens or messages of the window do not add up/,
    (state) => change(session(state).window, 'messages', -1),
  ],
  [
    'an entry of more tokens',
    /tokens or messages of the window do not add up/,
    (state) => change(entry(state, 1), 'tokens', 1),
  ],
  ['a window without an end', /does not start or end/, (state) => change(session(state).window, 'head', 1)],
  [
    'a window that begins in a group',
    /does not start or end/,
    (state) => void Object.assign(session(state).window, { floor: 4 }),
  ],
  [
    'a window of no segment',
    /does not start or end/,
    (state) => void Object.assign(session(state).window, { segment: 7 }),
  ],
  [
    'an empty window with tokens',
    /an empty window/,
    (state) => void Object.assign(session(state).window, { segment: null }),
  ],
  ['a gap', /out of order|belongs to no group|does not start/, (state) => void state.segments[0]?.entries.splice(1, 1)],
  ['entries out of order', /out of order/, (state) => void state.segments[0]?.entries.reverse()],
  [
    'a result without its call',
    /do not match|belongs to no group/,
    (state) => void state.segments[0]?.entries.splice(2, 1),
  ],
  [
    'a result that opens a group',
    /calls and results do not match/,
    (state) => void Object.assign(entry(state, 3), { group: 4 }),
  ],
  [
    'a message that joins a group',
    /do not match|belongs to no group/,
    (state) => void Object.assign(entry(state, 4), { group: 3 }),
  ],
  [
    'a pin that holds nothing',
    /held does not match the pins/,
    (state) => void Object.assign(entry(state, 4), { held: false }),
  ],
  [
    'a hold without a pin',
    /held does not match the pins/,
    (state) => void Object.assign(entry(state, 1), { held: true }),
  ],
  [
    'a message that is not there',
    /no message number 99/,
    (state) => void Object.assign(entry(state, 1), { message: 99 }),
  ],
  ['a toolset that is not there', /no toolset number 3/, (state) => void Object.assign(session(state), { toolset: 3 })],
  [
    'a parent behind its child',
    /precedes its parent/,
    (state) => void Object.assign(state.segments[0] ?? {}, { parent: 0 }),
  ],
  [
    'a model of tomorrow',
    /^sess_\w+: unknown model kimi-k9$/,
    (state) => void Object.assign(session(state), { model: 'kimi-k9' }),
  ],
  ['an id twice', /twice/, (state) => void state.sessions.push({ ...session(state) })],
  ['an empty message', /msg_\w+ is empty/, (state) => void Object.assign(body(state, 1), { content: '' })],
  ['a role of its own', /role/, (state) => void Object.assign(body(state, 1), { role: 'operator' })],
  ['a member of its own', /extra/, (state) => void Object.assign(session(state), { extra: 1 })],
  ['an account that is not a hash', /account/, (state) => void Object.assign(session(state), { account: 'sk-test' })],
  ['half a token', /tokens/, (state) => void Object.assign(entry(state, 1), { tokens: 1.5 })],
];

describe('a state file with the right hash', () => {
  it.each(WRONGS)('is refused for %s', async (_, told, spoil) => {
    const { file } = await exported();
    const state = stateOf(file);
    spoil(state);
    const api = await startEmulator('in process');
    await expect(api.emulator.state.import(sealed(state))).rejects.toThrow(told);
    expect((await api.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('is imported if it is valid', async () => {
    const { file, session: id } = await exported();
    const api = await startEmulator('in process');
    expect((await api.emulator.state.import(sealed(stateOf(file)))).sessions).toEqual([id]);
  });
});

/** Adds to a number. */
function change<Name extends string>(owner: Record<Name, number>, name: Name, by: number): void {
  owner[name] += by;
}

function session({ sessions: [first] }: PortableState) {
  if (!first) throw new Error('the file holds no session');
  return first;
}

function entry({ segments }: PortableState, place: number) {
  const found = segments[0]?.entries[place];
  if (!found) throw new Error(`the file holds no entry ${place}`);
  return found;
}

function body({ messages }: PortableState, place: number) {
  const found = messages[place]?.body;
  if (!found) throw new Error(`the file holds no message ${place}`);
  return found;
}
