import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { ask } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';
import { editJson } from '../../proxy.ts';
import { codeOf, type Sent, saying } from '../../rewrites.ts';
import { askedOf, mutant, onTurn } from './support.ts';

const { append_tokens: limit, window_tokens: window } = SMALL_LIMITS;
const longer = (messages: Sent[]) => messages.map((message) => ({ ...message, content: `${message.content} table` }));
const isEmpty = ({ content }: Sent) => content === '';

export const TURN_LIMIT_MUTANTS: readonly Mutant[] = [
  mutant(
    'limit-refused',
    'a turn of a write of exactly the limit is refused',
    ['turn.limit/exact-accepted'],
    askedOf((body) => ({
      ...body,
      messages: longer(body.messages),
    })),
  ),
  {
    ...mutant(
      'limit-and-one-accepted',
      'a turn takes one token more than a write may',
      ['turn.limit/over-refused', 'turn.limit/sum-over-refused', 'turn.limit/over-changes-nothing'],
      () => saying({ append_tokens: limit }, {}),
    ),
    options: () => ({ limits: { ...SMALL_LIMITS, append_tokens: limit + 1 } }),
  },
  mutant(
    'limit-per-message',
    'the limit holds for each new message of a turn by itself',
    ['turn.limit/sum-over-refused'],
    onTurn(async (body, forward) => {
      const response = await forward();
      if (body.messages.length < 2 || (await codeOf(response)) !== 'append_too_large') return response;
      const path = `/v1/sessions/${body.session_id}/messages`;
      for (const message of body.messages.slice(0, -1)) await forward({ path, body: message });
      return forward({ body: { ...body, messages: body.messages.slice(-1) } });
    }),
  ),
  mutant(
    'refused-turn-stored',
    'the new messages of a refused turn are stored, as far as they can be',
    [
      'turn.limit/over-changes-nothing',
      'turn.limit/empty-changes-nothing',
      'turn.window/over-changes-nothing',
      'turn.choices/two-change-nothing',
      'turn.pairing/refusals-change-nothing',
    ],
    onTurn(async (body, forward) => {
      const response = await forward();
      const path = `/v1/sessions/${body.session_id}/messages`;
      if (response.status === 400) for (const message of body.messages) await forward({ path, body: message });
      return response;
    }),
  ),
  mutant(
    'empty-accepted',
    'a new message that says nothing is accepted',
    ['turn.limit/empty-refused'],
    askedOf((body) => ({
      ...body,
      messages: body.messages.map((message) => (isEmpty(message) ? { ...message, content: ' ' } : message)),
    })),
  ),
  mutant(
    'one-over-window',
    'a turn may take the window one token over its end',
    ['turn.window/over-refused', 'turn.window/over-told'],
    onTurn(async (body, forward) => {
      const response = await forward();
      const isOneOver = (await response.clone().text()).includes(`(requested: ${window + 1})`);
      return isOneOver ? forward({ body: { ...body, max_tokens: Number(body.max_tokens) - 1 } }) : response;
    }),
  ),
  mutant(
    'max-tokens-uncounted',
    'max tokens are not reserved in the window',
    ['turn.window/over-refused', 'turn.window/default-max-told'],
    onTurn(async (body, forward) => {
      const response = await forward();
      return (await codeOf(response)) === 'context_window_exceeded'
        ? forward({ body: { ...body, max_tokens: 1 } })
        : response;
    }),
  ),
  mutant(
    'window-refused',
    'a turn cannot take the window to its last token',
    ['turn.window/exact-accepted', 'turn.window/over-told'],
    askedOf((body) => ({ ...body, ...(typeof body.max_tokens === 'number' && { max_tokens: body.max_tokens + 1 }) })),
  ),
  mutant(
    'window-rolls',
    'a turn that does not fit drops the oldest messages',
    ['turn.window/over-refused', 'turn.window/over-changes-nothing', 'turn.window/exact-keeps-all'],
    onTurn(async (body, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'context_window_exceeded') return response;
      await ask(forward, 'POST', `/v1/sessions/${body.session_id}/truncate`, { preserve_len: window / 4 });
      return forward();
    }),
  ),
  mutant(
    'headroom-kept',
    'a window that a turn has filled is cut',
    ['turn.window/exact-keeps-all'],
    onTurn(async (body, forward) => {
      const response = await forward();
      const path = `/v1/sessions/${body.session_id}`;
      const { usage } = (await ask(forward, 'GET', path)).body as { usage?: { remaining_tokens: number } };
      if (response.ok && usage && usage.remaining_tokens < 48) {
        await ask(forward, 'POST', `${path}/truncate`, { preserve_len: window / 2 });
      }
      return response;
    }),
  ),
  mutant(
    'requested-short',
    'what was requested is told without the end of the answer',
    ['turn.window/over-told', 'turn.window/default-max-told'],
    onTurn(async (_, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'context_window_exceeded') return response;
      return editJson(response, ({ error }: { error: { message: string } }) => ({
        error: {
          ...error,
          message: error.message.replace(/(?<=requested: )\d+/, (count) => String(Number(count) - 1)),
        },
      }));
    }),
  ),
  mutant(
    'other-default',
    'a turn without max_tokens counts as one of 512',
    ['turn.window/default-max-told'],
    askedOf((body) => ({
      max_tokens: 512,
      ...body,
    })),
  ),
];
