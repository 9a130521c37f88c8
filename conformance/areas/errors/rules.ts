import { rulesOf } from '../rule.ts';

const { must, may, shownBy } = rulesOf('kimi-wire');

/** Refusals in the live API's own terms, and what every answer carries. */
export const ERRORS_RULES = {
  'errors.no-key': must('kimi', 'A request without a key is refused with 401, in one of the two documented ways.'),
  'errors.malformed-key': must(
    'kimi',
    'A request whose Authorization is no bearer key is refused as one without a key.',
  ),
  'errors.unknown-key': must(
    'kimi',
    'A request whose key is not known is refused as one without a key, unless the server lets any key in.',
  ),
  'errors.key-rows': must(
    'ours',
    'Without a bearer key the refusal is `Invalid Authentication`, with an unknown one `Incorrect API key provided`.',
  ),
  'errors.key-first': must('ours', 'Who is not let in learns nothing of what is wrong with the request.'),
  'errors.unknown-route': must(
    'kimi',
    'A route that does not exist is answered with 404 and the body `url.not_found`.',
  ),
  'errors.model-not-found': must('kimi', 'A model that is not there is refused with 404, naming it in the live text.'),
  'errors.content-empty': must('kimi', 'A message without text is refused with `text content is empty`.'),
  'errors.window': must(
    'kimi',
    'Prompt and maximal answer beyond the window are refused, with window and request in the live text.',
  ),
  'errors.window-requested': must(
    'ours',
    'The tokens requested, in the refusal of what does not fit the window, are those of the prompt and the maximal answer.',
  ),
  'errors.invalid-request': must('ours', 'What is wrong with a field is told as `Invalid request: …`, naming it.'),
  'errors.envelope': must('kimi', 'An error is `{"error":{"message","type"}}`, without `code` and `param`.'),
  'errors.no-json': must('ours', 'A body that is no JSON is refused as an invalid request.'),
  'errors.content-type': must('ours', 'A body that is not declared as JSON is refused as an invalid request.'),
  'errors.body-size': must('ours', 'A body over the limit is refused with `total message size N exceeds limit M`.'),
  'errors.size-first': must('ours', 'The size of a body is judged before what is in it.'),
  'errors.json-depth': must('ours', 'A body nested deeper than the limit is refused.'),
  'errors.json-values': must('ours', 'A body of more values than the limit is refused.'),
  'errors.request-messages': must('ours', 'A request holds as many messages as the limit, and no more.'),
  'errors.should-retry': must('ours', 'Every error says in `x-should-retry` whether to try again; these say no.'),
  'errors.request-id': must('kimi', 'An answer has a `Msh-Request-Id`.'),
  'errors.request-id-of-errors': must('ours', 'Every error has a `Msh-Request-Id`, too.'),
  'errors.request-ids-differ': must('ours', 'Every answer has a `Msh-Request-Id` of its own.'),
  'errors.json-type': must('kimi', 'Answers and errors that are not streamed are `application/json` in UTF-8.'),
  'errors.server-timing': may('kimi', 'An answer says in `Server-Timing` how long the server took.'),
  'errors.hosted-agents': must(
    'ours',
    'A request with `kimi-api-version` is refused, saying that Hosted Agents are not emulated.',
  ),
  'errors.rows': shownBy(
    'test/wire/errors.test.ts',
    'kimi',
    'Every documented error, those of quota, rate and load too, has its status, its type, and whether to try again.',
  ),
  'errors.model-failure': shownBy(
    'test/wire/errors.test.ts',
    'kimi',
    'A model that fails is a 500 `unexpected_output`, and nothing is told of why.',
  ),
} as const;
