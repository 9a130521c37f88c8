import { MODEL_ID } from '../../../contract/models.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editJson, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import { codeOf, countOf, joinAnswers, messagesOf, refusal, sessionAt, WRITE } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { CONTENT_MUTANTS, COUNT_MUTANTS, PAIRING_MUTANTS } from './content-mutants.ts';

const mutant = mutantsOf('append', { overflown });
const window = SMALL_LIMITS.window_tokens;

const limit = SMALL_LIMITS.append_tokens;

const LIMIT_MUTANTS = [
  mutant('limit-in-characters', 'the limit of a write counts characters')
    .caughtBy('append.limit-in-tokens/many-characters-accepted few-characters-refused')
    .limits({ append_tokens: 16 * limit }, () =>
      on('POST', WRITE, ({ body }, forward) => {
        const characters = (messagesOf(body) ?? []).map(({ content }) => String(content).length);
        return characters.some((count) => count > limit) ? Promise.resolve(refusal('append_too_large')) : forward();
      }),
    ),
  mutant('messages-uncounted', 'a write of any number of messages is looked at, however many are allowed')
    .caughtBy('append.request-messages/one-more-refused')
    .editWrites((messages) => messages.slice(0, 2_048)),
  mutant('messages-one-less', 'a write of the most messages that are allowed is refused for their number')
    .caughtBy('append.request-messages/most-not-refused-for-it')
    .editWrites((messages) => (messages.length > 2 ? [...messages, ...messages.slice(-1)] : messages)),
];

function overflown(meet: (id: string, forward: Forward, response: Response) => Promise<Response>): Handler {
  return on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
    const response = await forward();
    return (await codeOf(response)) === 'context_window_exceeded' ? meet(id, forward, response) : response;
  });
}

const dropOldest = (forward: Forward, id: string, preserve_len: number) =>
  forward({ path: `/v1/sessions/${id}/truncate`, body: { preserve_len } });

const WINDOW_MUTANTS = [
  mutant('window-and-one-accepted', 'a window takes one token more than it may')
    .caughtBy('append.window/one-more-refused')
    .limits({ window_tokens: window + 1 }),
  mutant('window-refused', 'a window cannot be filled to its last token')
    .caughtBy('append.window/exact-accepted')
    .limits({ window_tokens: window - 1 }),
  mutant('window-drops-oldest', 'a full window drops its oldest messages and accepts')
    .caughtBy('append.window/one-more-refused one-more-changes-nothing')
    .overflown(async (id, forward) => {
      await dropOldest(forward, id, window / 2);
      return forward();
    }),
  mutant(
    'window-refused-and-trimmed',
    'a write that does not fit is refused, and the oldest messages dropped all the same',
  )
    .caughtBy('append.window/one-more-changes-nothing')
    .overflown(async (id, forward, response) => {
      await dropOldest(forward, id, window / 2);
      return response;
    }),
  mutant('window-trimmed-when-full', 'a window that becomes full drops its oldest message')
    .caughtBy('append.window/exact-keeps-all')
    .on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      const { usage } = await sessionAt(forward, id);
      if (usage?.total_tokens === window) await dropOldest(forward, id, window - 1);
      return response;
    }),
  mutant('window-full-is-unlimited', 'no tokens left is taken for no limit')
    .caughtBy('append.window/full-refuses-any')
    .limits({ window_tokens: 2 * window }, () =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const remaining = window - ((await sessionAt(forward, id)).usage?.total_tokens ?? 0);
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return remaining !== 0 && tokens > remaining ? refusal('context_window_exceeded') : forward();
      }),
    ),
  mutant('window-other-words', 'a full window is refused with the text of another API')
    .caughtBy('append.window/one-more-told')
    .overflown((_, __, response) =>
      editJson(response, ({ error }: { error: object }) => ({
        error: { ...error, message: `This model's maximum context length is ${window} tokens.` },
      })),
    ),
  mutant('window-requested-alone', 'the refusal counts the request without the window')
    .caughtBy('append.window/one-more-told')
    .on('POST', WRITE, async ({ body }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'context_window_exceeded') return response;
      const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
      return editJson(response, ({ error }: { error: { message: string } }) => ({
        error: { ...error, message: error.message.replace(/requested: \d+/, `requested: ${tokens}`) },
      }));
    }),
];

const WRITE_MUTANTS = [
  mutant('first-only', 'of several messages the first alone is written')
    .caughtBy('append.atomic/many-stored')
    .editWrites((messages) => messages.slice(0, 1)),
  mutant('lists-only', 'a single message is not understood')
    .caughtBy('append.atomic/one-stored')
    .on('POST', WRITE, ({ body }, forward) =>
      (body as object) && 'role' in (body as object)
        ? Promise.resolve(refusal('invalid_request', 'Invalid request: messages: missing'))
        : forward(),
    ),
  mutant('nothing-accepted', 'a write of no messages succeeds')
    .caughtBy('append.atomic/none-refused')
    .on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
      if (messagesOf(body)?.length !== 0) return forward();
      const { usage, version } = await sessionAt(forward, id);
      return json({ object: 'session.append', session_id: id, data: [], tokens: 0, usage, version });
    }),
  mutant('partly-stored', 'what stands before the fault in a refused write is stored')
    .caughtBy('append.atomic/last-bad-stores-none middle-bad-stores-none')
    .on('POST', WRITE, async ({ body }, forward) => {
      const response = await forward();
      const messages = messagesOf(body) ?? [];
      if (response.status >= 400 && messages.length > 1) await forward({ body: messages[0] });
      return response;
    }),
  mutant('concurrent-loses-one', 'of two writes at the same time the later overwrites the other')
    .caughtBy('append.concurrent/accepted-stand usage-adds-up versions-differ')
    .onConcurrentWrite(async (_, __, first) => (await first).clone()),
  mutant('concurrent-breaks', 'of two writes at the same time one breaks down')
    .caughtBy('append.concurrent/each-answered')
    .onConcurrentWrite(() =>
      Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500)),
    ),
  mutant('busy-though-written', 'a write is refused as busy although it was written')
    .caughtBy('append.concurrent/accepted-stand')
    .onConcurrentWrite(async (_, forward) => {
      await forward();
      return refusal('session_busy');
    }),
  mutant('written-one-by-one', 'the messages of a write are written one after the other, and others come between them')
    .caughtBy('append.concurrent/writes-stay-together')
    .on('POST', WRITE, async ({ body }, forward) => {
      const messages = messagesOf(body) ?? [];
      if (messages.length < 2) return forward();
      const responses: Response[] = [];
      for (const message of messages) responses.push(await forward({ body: message }));
      return joinAnswers(responses);
    }),
  mutant('no-own-version', 'every write answers with the first version')
    .caughtBy('append.concurrent/versions-differ', 'append.message/answer-usage-as-read')
    .on('POST', WRITE, async (_, forward) =>
      editJson(await forward(), (answer: object) => ({ ...answer, version: 1 })),
    ),
];

export const APPEND_MUTANTS: readonly Mutant[] = [
  ...WRITE_MUTANTS,
  ...LIMIT_MUTANTS,
  ...WINDOW_MUTANTS,
  ...CONTENT_MUTANTS,
  ...COUNT_MUTANTS,
  ...PAIRING_MUTANTS,
];
