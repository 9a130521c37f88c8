import { ofAnswers, rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');
const { ours: ofSessions } = rulesOf('session');

/** Errors of the live API, and the headers of every answer. */
export const ERRORS_RULES = {
  'errors.no-key': kimi('A request without a key is refused with 401, in one of the two documented forms.'),
  'errors.malformed-key': kimi('A request whose Authorization is not a bearer key is refused like one without a key.'),
  'errors.unknown-key': kimi(
    'A request with an unknown key is refused like one without a key, unless the server accepts any key.',
  ),
  'errors.key-rows': kimi(
    'Without a bearer key the error is `Incorrect API key provided`; with an unknown key `Invalid Authentication`.',
  ),
  'errors.key-first': ours('A request without a valid key learns nothing about other faults in it.'),
  'errors.unknown-route': kimi('An unknown route is answered with 404 and the body `url.not_found`.'),
  'errors.model-not-found': kimi("An unknown model is refused with 404 and Kimi's text, which names it."),
  'errors.content-empty': kimi('A message without text is refused with `text content is empty`.'),
  'errors.window': kimi(
    "Prompt plus max_tokens over the window is refused with Kimi's text, which states window and request.",
  ),
  'errors.window-requested': ours(
    'The refusal of a request over the window counts prompt plus max_tokens as requested.',
  ),
  'errors.invalid-request': ours('A fault in a field is refused with `Invalid request: …`, which names the field.'),
  'errors.envelope': kimi('An error is `{"error":{"message","type"}}` without `code` and `param`.'),
  'errors.no-json': ours('A body that is not JSON is refused as an invalid request.'),
  'errors.content-type': ours('A body without a JSON content type is refused as an invalid request.'),
  'errors.body-size': ours('A body over the limit is refused with `total message size N exceeds limit M`.'),
  'errors.size-first': ours('The size of a body is checked before its content.'),
  'errors.json-depth': ours('A body nested deeper than the limit is refused.'),
  'errors.json-values': ours('A body with more values than the limit is refused.'),
  'errors.request-messages': ours('A request has at most the limit of messages.'),
  'errors.should-retry': ours(
    'Every error states in `x-should-retry` whether to retry; for invalid requests it is false.',
  ),
  'errors.request-id': kimi('An answer has a `Msh-Request-Id`.'),
  'errors.request-id-of-errors': ours('Every error has a `Msh-Request-Id`.'),
  'errors.request-ids-differ': ours('Every answer has a different `Msh-Request-Id`.'),
  'errors.json-type': kimi('Answers and errors that are not streamed are `application/json` in UTF-8.'),
  'errors.server-timing': kimi.may('An answer states in `Server-Timing` how long the server took.'),
  'errors.hosted-agents': ours('A request with `kimi-api-version` is refused because Hosted Agents are not emulated.'),
  'errors.gates': ours(
    'Every route of the live API refuses, in this order, a request without a key, for Hosted Agents, and with a body that is not a JSON object; every answer has its own `Msh-Request-Id`.',
  ),
  'errors.session-gates': ofSessions(
    'So does every route of sessions, before it looks for what the request names; that is looked for before its version.',
  ),
  'errors.unread-chats': ofAnswers(
    ofSessions('So does a chat whose body cannot be read, so that it names no session.'),
  ),
  'errors.session-fields': ofSessions(
    'A field of a wrong type or beyond its bounds is refused as an invalid request; `param` names it, and nothing changes.',
  ),
  'errors.rows': kimi.shownBy(
    'test/wire/errors.test.ts',
    'Every documented error, including quota, rate and load, has its status, type and x-should-retry.',
  ),
  'errors.model-failure': kimi.shownBy(
    'test/wire/errors.test.ts',
    'A model failure is a 500 `unexpected_output` and reveals no cause.',
  ),
} as const;
