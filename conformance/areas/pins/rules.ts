import { rulesOf } from '../rule.ts';

const { ours } = rulesOf('session');

/** Messages that a cut keeps. */
export const PINS_RULES = {
  'pins.leading': ours('A system message that has only pinned system messages before it is pinned when written.'),
  'pins.others': ours('No other message is pinned unless requested.'),
  'pins.at-writing': ours(
    'Pinning is decided when a message is written: one that leads later, after a cut, is not pinned.',
  ),
  'pins.asked': ours('A message written with `pinned: true` is pinned, whatever its role and position.'),
  'pins.declined': ours('A system message written with `pinned: false` is not pinned, and those after it do not lead.'),
  'pins.in-turn': ours('The new messages of a turn can be pinned like those of a write.'),
  'pins.change': ours('A message of the window can be pinned and unpinned; the answer is the message.'),
  'pins.nothing-else': ours('A pin changes no other message and no usage.'),
  'pins.unknown-message': ours('Pinning a message that is not in the window is refused as not found.'),
  'pins.yes-or-no': ours('`pinned` is true or false; other values are refused and the refusal names the field.'),
  'pins.survive': ours('Pinned messages survive any number of cuts at any position.'),
  'pins.group': ours('A pin on any message of a tool group keeps the whole group.'),
  'pins.taken-away': ours('An unpinned message is cut like any other.'),
} as const;
