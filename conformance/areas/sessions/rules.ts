import { onlyK2, rulesOf } from '../rule.ts';

const { article, kimi, ours } = rulesOf('session');

/** Creating, changing and deleting sessions. */
export const SESSIONS_RULES = {
  'sessions.create': article('One request creates a session; its answer names it in `session_id`.'),
  'sessions.object': ours('Every answer with a session has all fields of the session object.'),
  'sessions.one-id': ours('`id` and `session_id` are the same value.'),
  'sessions.read-back': ours('A session reads as in the answer to its last change.'),
  'sessions.defaults': ours(
    'Fields not given at creation are empty: title, metadata, tools, messages and forked_from.',
  ),
  'sessions.default-model': onlyK2(ours.should('The default model of a session is `kimi-k2-0905-preview`.')),
  'sessions.fields': ours('Model, title, metadata and tools are stored as given at creation.'),
  'sessions.times': ours('Times are in Unix seconds, and updated_at is not before created_at.'),
  'sessions.model-alias': onlyK2(
    article('`kimi-k2-0905` is accepted as an alias of `kimi-k2-0905-preview` and shown as given.'),
  ),
  'sessions.model-unknown': kimi("An unknown model is refused with Kimi's text."),
  'sessions.first-messages': ours(
    'Messages given at creation are one append in their order: if it is refused, no session is created.',
  ),
  'sessions.usage': ours('`usage` has total_tokens, tools_tokens, remaining_tokens and messages.'),
  'sessions.limits': ours('`limits` has the limits in force, the same that the server states.'),
  'sessions.update': ours(
    'Title, metadata and tools can be changed separately; fields not given, and tools of null, remain.',
  ),
  'sessions.update-emptied': ours('A null title, null metadata and an empty tools list remove the old value.'),
  'sessions.tools-counted': ours(
    'Session tools count in `tools_tokens` and in the total with the tokens they add to a prompt; an empty list counts 0.',
  ),
  'sessions.tools-window': ours('Tools that do not fit in the window are refused.'),
  'sessions.metadata-limits': ours(
    'Metadata has at most 16 pairs, with keys of at most 64 and values of at most 512 characters.',
  ),
  'sessions.title-length': ours.should('A title, and the name of a snapshot, has at most 512 characters.'),
  'sessions.bad-fields': ours('A field of the wrong type is refused; `param` names it.'),
  'sessions.tools-twice': ours('Two tools of one name are refused, as they are in a chat.'),
  'sessions.unknown-fields': ours('Unknown fields are ignored.'),
  'sessions.not-found': ours('An unknown id is answered with `session_not_found`.'),
  'sessions.limit': article('An account can have `limits.sessions` sessions; one more is refused.'),
  'sessions.limit-named': ours.should('The refusal of a session over the limit names the limit.'),
  'sessions.refused-takes-no-slot': ours('A refused create request does not count against the session limit.'),
  'sessions.parallel-creates': ours('Concurrent create requests do not exceed the session limit.'),
  'sessions.delete': ours('The answer to a deletion names the session and has `deleted: true`.'),
  'sessions.delete-frees': ours('A deleted session stops counting against the limit at once.'),
  'sessions.deleted-gone': ours('A deleted session is not found on every route and in chats.'),
  'sessions.delete-twice': ours('A second deletion is answered with `session_not_found`.'),
  'sessions.ids-unique': ours('No id is used twice, not even that of a deleted session.'),
  'sessions.independent': article('A change to one session leaves the others unchanged.'),
  'sessions.chat-unknown': ours('A chat with an unknown session id is refused and creates no session.'),
  'sessions.hosted-agents': ours(
    'A request with `kimi-api-version` is refused because Hosted Agents are not emulated.',
  ),
  'sessions.same-seed': ours.shownBy(
    'test/laws/same-seed.test.ts',
    'With the same seed, clock and sequence of requests two runs give the same bodies and request ids.',
  ),
} as const;
