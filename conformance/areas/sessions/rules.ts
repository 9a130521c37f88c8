import { onlyK2, rulesOf } from '../rule.ts';

const { must, should, shownBy } = rulesOf('session');

/** Creating, changing and deleting sessions. */
export const SESSIONS_RULES = {
  'sessions.create': must('article', 'A session is created by one request, whose answer names it in `session_id`.'),
  'sessions.object': must('ours', 'Wherever a session is answered, all members of the session object are there.'),
  'sessions.one-id': must('ours', '`id` and `session_id` are the same value.'),
  'sessions.read-back': must('ours', 'A session reads as the answer to its last change showed it.'),
  'sessions.defaults': must(
    'ours',
    'What is not given at creation is empty: no title, no metadata, no tools, no messages, nothing it was forked from.',
  ),
  'sessions.default-model': onlyK2(should('ours', 'A session that names no model has `kimi-k2-0905-preview`.')),
  'sessions.fields': must('ours', 'Model, title, metadata and tools are kept as they are given at creation.'),
  'sessions.times': must('ours', 'Times are Unix seconds, and the last change is not before the creation.'),
  'sessions.model-alias': onlyK2(
    must('article', '`kimi-k2-0905` is taken as a name of `kimi-k2-0905-preview`, and is shown as it was given.'),
  ),
  'sessions.model-unknown': must('kimi', 'A model that does not exist is refused in the words of the live API.'),
  'sessions.first-messages': must(
    'ours',
    'Messages given at creation are written in their order, as one append: all of them or, with the session, none.',
  ),
  'sessions.usage': must(
    'ours',
    '`usage` counts the window and the tools: in all, the tools alone, what remains of the window, and the messages.',
  ),
  'sessions.limits': must('ours', '`limits` names the limits in force, the same that the server is said to have.'),
  'sessions.update': must('ours', 'Title, metadata and tools can be changed, each by itself; what is not given stays.'),
  'sessions.update-emptied': must(
    'ours',
    'A title of null, metadata of null and an empty list of tools take away what was there.',
  ),
  'sessions.tools-counted': must(
    'ours',
    'Session tools count in `tools_tokens` and in the total, as many tokens as they add to a prompt; an empty list counts none.',
  ),
  'sessions.tools-window': must('ours', 'Tools that the window has no room for are refused.'),
  'sessions.metadata-limits': must(
    'ours',
    'Metadata takes up to 16 pairs, keys of up to 64 and values of up to 512 characters, and no more.',
  ),
  'sessions.title-length': should('ours', 'A title takes up to 512 characters, and no more.'),
  'sessions.bad-fields': must('ours', 'A field of the wrong type is refused, and named in `param`.'),
  'sessions.unknown-fields': must('ours', 'Fields that nobody knows are ignored.'),
  'sessions.not-found': must('ours', 'An id that no session has is answered with `session_not_found`.'),
  'sessions.limit': must(
    'article',
    'An account may hold as many sessions as `limits.sessions` says, and not one more.',
  ),
  'sessions.limit-named': should('ours', 'The refusal of one session too many names the limit.'),
  'sessions.refused-takes-no-slot': must('ours', 'A creation that is refused takes no slot of the account.'),
  'sessions.parallel-creates': must('ours', 'Creations at the same time do not get past the limit together.'),
  'sessions.delete': must('ours', 'The answer to a deletion names the session and says that it is deleted.'),
  'sessions.delete-frees': must('ours', 'A deleted session frees its slot at once.'),
  'sessions.deleted-gone': must('ours', 'A deleted session answers nowhere any more, on no route and in no chat.'),
  'sessions.delete-twice': must('ours', 'Deleting a session for the second time is answered with `session_not_found`.'),
  'sessions.ids-unique': must('ours', 'No id is given twice, not even that of a session that is gone.'),
  'sessions.independent': must(
    'article',
    'Several sessions live side by side: what is done to one leaves the others alone.',
  ),
  'sessions.chat-unknown': must('ours', 'A chat with an id that no session has is refused, and makes no session.'),
  'sessions.hosted-agents': must(
    'ours',
    'A request with the header `kimi-api-version` is refused, saying that Hosted Agents are not emulated.',
  ),
  'sessions.same-seed': shownBy(
    'test/laws/same-seed.test.ts',
    'ours',
    'With one seed, one clock and the same requests in the same order, two runs give the same bodies and request ids.',
  ),
} as const;
