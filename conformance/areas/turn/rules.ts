import { onlyK2, rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('session');

/** A chat in a session: the window is the history, and the turn becomes part of it. */
export const TURN_RULES = {
  'turn.history': must('article', 'The model reads the whole window before the new messages.'),
  'turn.own-history': must('article', 'The model reads the window of its own session and of no other.'),
  'turn.system-late': must('article', 'A system message written late is read where it stands.'),
  'turn.stored': must(
    'ours',
    'New messages and reply stand in the window after the turn, in this order, as sent and as delivered.',
  ),
  'turn.prompt-tokens': must('ours', 'The prompt counts the tools, the window, the new messages and three tokens.'),
  'turn.usage': must('ours', 'After a turn the usage of the session is prompt plus completion plus one.'),
  'turn.reply-tokens': must('ours', 'The stored reply counts its completion and four tokens.'),
  'turn.session': must('ours', 'The answer names the session with the version and usage that it has after the turn.'),
  'turn.stream-session': must('ours', 'A streamed turn names the session on its finish chunk.'),
  'turn.committed-first': must(
    'ours',
    'Who has read the finish chunk, or the answer, reads the whole turn in the session.',
  ),
  'turn.one-version': must('ours', 'A turn is one step of the version.'),
  'turn.limit': must('ours', 'The new messages of a turn are one write, under its limit.'),
  'turn.empty-content': must('kimi', 'A new message without content is refused.'),
  'turn.no-messages': must(
    'ours',
    'A turn may bring no messages where the window has some, and may not where it has none.',
  ),
  'turn.pairing': must(
    'ours',
    'A turn answers no open call by anything but results, starts with none left open, and takes no result of no call.',
  ),
  'turn.session-tools': must('ours', 'A turn without tools uses those of the session.'),
  'turn.new-tools': must(
    'ours',
    'Tools that come with a turn replace those of the session; an empty list takes them away.',
  ),
  'turn.call-ids': onlyK2(
    must('ours', 'Calls are issued as `functions.NAME:IDX`, where IDX counts over the life of the session.'),
  ),
  'turn.tool-results': must(
    'ours',
    'A call that the model issued is answered by appending its result, and a turn without messages goes on from there.',
  ),
  'turn.window': must(
    'article',
    'A turn may take the window to its end exactly, its max tokens included, and not one token beyond.',
  ),
  'turn.window-text': must(
    'kimi',
    'A turn beyond the window is refused in the live words, with prompt, max tokens and one as what was requested.',
  ),
  'turn.nothing-dropped': must(
    'ours',
    'Nothing of a window that is too full for a turn is dropped or left unread to make room.',
  ),
  'turn.default-max-tokens': must('kimi', 'Where no max tokens are asked for, a turn counts as one of 1,024.'),
  'turn.one-choice': must('ours', 'More than one choice is refused in a session.'),
  'turn.partial': must(
    'ours',
    'An answer that the client begins is stored as one message, its beginning and what continues it.',
  ),
  'turn.empty-answer': must('ours', 'An empty answer leaves the new messages in the window and nothing of its own.'),
  'turn.cut-text': must('ours', 'A text that `max_tokens` cuts is stored as it was delivered.'),
  'turn.cut-call': must('ours', 'A tool call that `max_tokens` cuts is not stored, so that the session can go on.'),
  'turn.unknown-session': must(
    'ours',
    'A chat in a session that is not there is refused as not found, and creates none.',
  ),
  'turn.refused': must('ours', 'A refused turn leaves nothing behind: neither messages nor tools nor a version.'),
  'turn.disconnect': must('ours', 'A client that goes away in the middle leaves a whole turn behind or nothing of it.'),
  'turn.concurrent': must(
    'ours',
    'Of turns that come at the same time each is answered or refused as `session_busy`, and exactly those that were answered stand in the window.',
  ),
  'turn.busy': must(
    'ours',
    'While a turn runs any other change of its session is refused as `session_busy`, so that nothing comes to stand within the turn.',
  ),
  'turn.busy-for-all': shownBy(
    'test/chat/atomicity.test.ts',
    'ours',
    'Busy holds for every change: writes, streamed ones too, pins, cuts, rollbacks, compressions, other turns, and deletion.',
  ),
  'turn.reads': must(
    'ours',
    'While a turn runs, reads and snapshots find the session as it was before, or as it is after: never half of the turn.',
  ),
  'turn.failed': shownBy(
    'test/chat/atomicity.test.ts',
    'ours',
    'A turn whose model fails leaves the session as it was.',
  ),
  'turn.stalled': shownBy(
    'test/routes/chat-stall.test.ts',
    'ours',
    'A reader that takes nothing for 30 seconds is given up.',
  ),
} as const;
