import { rulesOf } from '../rule.ts';

const { must } = rulesOf('session');

/** Messages that are kept when a window is cut. */
export const PINS_RULES = {
  'pins.leading': must(
    'ours',
    'A system message with nothing but pinned system messages before it is pinned as it is written.',
  ),
  'pins.others': must('ours', 'No other message is pinned unless that is asked for.'),
  'pins.at-writing': must(
    'ours',
    'Whether a message is pinned is decided when it is written: a system message that leads only later, because others were cut, is not pinned.',
  ),
  'pins.asked': must('ours', 'A message written with `pinned: true` is pinned, whatever its role and place.'),
  'pins.declined': must(
    'ours',
    'A system message written with `pinned: false` is not pinned, and what follows it no longer leads.',
  ),
  'pins.in-turn': must('ours', 'The new messages of a turn may be pinned as those of a write may.'),
  'pins.change': must(
    'ours',
    'A message of the window can be pinned, and its pin be taken away; the answer is the message.',
  ),
  'pins.nothing-else': must('ours', 'A pin changes no other message and no token of the usage.'),
  'pins.unknown-message': must('ours', 'A message that is not in the window cannot be pinned: not found.'),
  'pins.yes-or-no': must('ours', 'A pin is true or false; anything else is refused, naming the field.'),
  'pins.survive': must('ours', 'Pinned messages survive a cut, wherever they stand and however often it is cut.'),
  'pins.group': must('ours', 'A pin on any message of a tool group keeps the whole group.'),
  'pins.taken-away': must('ours', 'A message whose pin was taken away is cut like any other.'),
} as const;
