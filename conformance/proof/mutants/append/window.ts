import { MODEL_ID } from '../../../../contract/models.ts';
import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editJson, type Forward, type Handler, on } from '../../proxy.ts';
import { codeOf, countOf, messagesOf, refusal, saying, sessionAt, WRITE } from '../../rewrites.ts';

const window = SMALL_LIMITS.window_tokens;
/** A server whose window is of another size than it says. */
const knows = (window_tokens: number, ...more: Handler[]): Pick<Mutant, 'handler' | 'options'> => ({
  options: () => ({ limits: { ...SMALL_LIMITS, window_tokens } }),
  handler: () => chain(saying({ window_tokens: window }, { window_tokens }), ...more),
});

const overflown = (meet: (id: string, forward: Forward, response: Response) => Promise<Response>): Handler =>
  on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
    const response = await forward();
    return (await codeOf(response)) === 'context_window_exceeded' ? meet(id, forward, response) : response;
  });
const dropOldest = (forward: Forward, id: string, preserve_len: number) =>
  forward({ path: `/v1/sessions/${id}/truncate`, body: { preserve_len } });

export const WINDOW_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.window-and-one-accepted',
    area: 'append',
    broken: 'a window takes one token more than it may',
    killedBy: ['append.window/one-more-refused'],
    ...knows(window + 1),
  },
  {
    id: 'append.window-refused',
    area: 'append',
    broken: 'a window cannot be filled to its last token',
    killedBy: ['append.window/exact-accepted'],
    ...knows(window - 1),
  },
  {
    id: 'append.window-drops-oldest',
    area: 'append',
    broken: 'a full window drops its oldest messages and accepts',
    killedBy: ['append.window/one-more-refused', 'append.window/one-more-changes-nothing'],
    handler: () =>
      overflown(async (id, forward) => {
        await dropOldest(forward, id, window / 2);
        return forward();
      }),
  },
  {
    id: 'append.window-refused-and-trimmed',
    area: 'append',
    broken: 'a write that does not fit is refused, and the oldest messages dropped all the same',
    killedBy: ['append.window/one-more-changes-nothing'],
    handler: () =>
      overflown(async (id, forward, response) => {
        await dropOldest(forward, id, window / 2);
        return response;
      }),
  },
  {
    id: 'append.window-trimmed-when-full',
    area: 'append',
    broken: 'a window that becomes full drops its oldest message',
    killedBy: ['append.window/exact-keeps-all'],
    handler: () =>
      on('POST', WRITE, async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        const { usage } = await sessionAt(forward, id);
        if (usage?.total_tokens === window) await dropOldest(forward, id, window - 1);
        return response;
      }),
  },
  {
    id: 'append.window-full-is-unlimited',
    area: 'append',
    broken: 'no tokens left is taken for no limit',
    killedBy: ['append.window/full-refuses-any'],
    ...knows(
      2 * window,
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        const remaining = window - ((await sessionAt(forward, id)).usage?.total_tokens ?? 0);
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return remaining !== 0 && tokens > remaining ? refusal('context_window_exceeded') : forward();
      }),
    ),
  },
  {
    id: 'append.window-other-words',
    area: 'append',
    broken: 'a full window is told in the words of another API',
    killedBy: ['append.window/one-more-told'],
    handler: () =>
      overflown((_, __, response) =>
        editJson(response, ({ error }: { error: object }) => ({
          error: { ...error, message: `This model's maximum context length is ${window} tokens.` },
        })),
      ),
  },
  {
    id: 'append.window-requested-alone',
    area: 'append',
    broken: 'what was requested is told without what stands in the window',
    killedBy: ['append.window/one-more-told'],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        const tokens = await countOf(forward, messagesOf(body) ?? [], MODEL_ID);
        return editJson(response, ({ error }: { error: { message: string } }) => ({
          error: { ...error, message: error.message.replace(/requested: \d+/, `requested: ${tokens}`) },
        }));
      }),
  },
];
