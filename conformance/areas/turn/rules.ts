import { ofAnswers, onlyK2, rulesOf } from '../rule.ts';

const { article, kimi, ours } = rulesOf('session');

/** Chats in a session: the window is the history, and the turn is added to it. */
export const TURN_RULES = {
  'turn.history': article('The model reads the whole window before the new messages.'),
  'turn.own-history': article('The model reads the window of its own session and no other.'),
  'turn.system-late': article('A late system message is read at its position.'),
  'turn.stored': ours('After a turn the window has the new messages as sent and then the reply as delivered.'),
  'turn.prompt-tokens': ours(
    'The prompt of a turn has the tokens of the tools, the window and the new messages plus 3.',
  ),
  'turn.usage': ours('After a turn the usage of the session is prompt plus completion plus 1.'),
  'turn.reply-tokens': ours('The stored reply has its completion tokens plus 4.'),
  'turn.session': ours('The answer has the session with its version and usage after the turn.'),
  'turn.stream-session': ours('A streamed turn has the session on its finish chunk.'),
  'turn.committed-first': ours(
    'After reading the finish chunk or the answer, a client reads the whole turn in the session.',
  ),
  'turn.limit': ours('The new messages of a turn are one write and have its limit.'),
  'turn.empty-content': kimi('A new message without content is refused.'),
  'turn.no-messages': ours('A turn without messages is accepted if the window has some and refused if it is empty.'),
  'turn.pairing': ours(
    'A turn answers open calls only with results, starts only when none is open, and has no result without a call.',
  ),
  'turn.session-tools': ours('A turn without tools uses those of the session.'),
  'turn.new-tools': ours('Tools in a turn replace those of the session; an empty list removes them.'),
  'turn.call-ids': ofAnswers(
    onlyK2(ours('Calls have ids `functions.NAME:IDX`, where IDX counts over the life of the session.')),
  ),
  'turn.tool-results': ours("After a call's result is appended, a turn without messages continues from it."),
  'turn.window': article('A turn may fill the window exactly, including max_tokens; one token more is refused.'),
  'turn.window-text': kimi(
    "A turn over the window is refused with Kimi's text, which states prompt plus max_tokens plus 1 as requested.",
  ),
  'turn.nothing-dropped': ours('A turn never drops or skips messages of a window that is too full.'),
  'turn.settings': ours(
    'A turn obeys and refuses what a chat asks for besides its messages as a chat without a session does, in the same words.',
  ),
  'turn.default-max-tokens': onlyK2(kimi('Without max_tokens a turn counts with 1,024.')),
  'turn.one-choice': ours('More than one choice is refused in a session; one, or a null, is not.'),
  'turn.partial': ours('An answer to a partial message is stored as one message: the start and its continuation.'),
  'turn.empty-answer': ours('After an empty answer the window has the new messages and no reply.'),
  'turn.cut-text': ours('A text that `max_tokens` cuts is stored as delivered.'),
  'turn.cut-call': ours('A tool call that `max_tokens` cuts is not stored, so the session can continue.'),
  'turn.unknown-session': ours('A chat in an unknown session is refused as not found and creates no session.'),
  'turn.stream-refusal': ours('A turn that is refused is refused in the same words where it was to be streamed.'),
  'turn.refused': ours('A refused turn changes neither messages nor tools nor version.'),
  'turn.disconnect': ours(
    'A client that disconnects during a turn leaves the whole turn in the window or nothing of it.',
  ),
  'turn.concurrent': ours(
    'Each of several concurrent turns is answered or refused with `session_busy`; the window has exactly the answered ones.',
  ),
  'turn.busy': ours('While a turn runs, every other change of its session is refused with `session_busy`.'),
  'turn.busy-for-all': ours.shownBy(
    'test/chat/atomicity.test.ts',
    'session_busy applies to writes, streamed writes, pins, truncate, rollback, compress, other turns and deletion.',
  ),
  'turn.reads': ours(
    'While a turn runs, reads and snapshots have the session before or after it, never a part of the turn.',
  ),
  'turn.failed': ours.shownBy('test/chat/atomicity.test.ts', 'A turn whose model fails leaves the session unchanged.'),
  'turn.stalled': ours.shownBy(
    'test/routes/chat-stall.test.ts',
    'A client that reads nothing for 30 seconds is disconnected.',
  ),
} as const;
