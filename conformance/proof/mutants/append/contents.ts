import type { Mutant } from '../../mutant.ts';
import { chain, editJson, on } from '../../proxy.ts';
import { listed, refusal, type Sent, texts, WRITE, writes } from '../../rewrites.ts';

const stored = (
  name: string,
  broken: string,
  kills: [string, ...string[]],
  edit: (text: string) => string,
): Mutant => ({
  id: `append.${name}`,
  area: 'append',
  broken,
  killedBy: kills,
  handler: () => texts(edit),
});
const answers = (edit: (body: never) => unknown) =>
  on('POST', WRITE, async (_, forward) => editJson(await forward(), edit));
const shown = (edit: (message: Sent) => Sent) =>
  chain(
    listed((messages) => messages.map(edit)),
    answers(({ data, ...answer }: { data?: Sent[] }) => (data ? { ...answer, data: data.map(edit) } : answer)),
  );

export const CONTENT_MUTANTS: readonly Mutant[] = [
  stored('not-unicode', 'text is stored in an encoding of one byte', ['append.content/han-exact'], (text) =>
    text.replace(/[\u0100-\uffff]/g, '?'),
  ),
  stored(
    'basic-plane-only',
    'text is stored without characters beyond the basic plane',
    ['append.content/emoji-exact'],
    (text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd'),
  ),
  stored('normalised', 'text is stored normalised', ['append.content/combining-exact'], (text) =>
    text.normalize('NFC'),
  ),
  stored('line-ends', 'lines are stored with one kind of end', ['append.content/line-ends-exact'], (text) =>
    text.replace(/\r\n?/g, '\n'),
  ),
  stored(
    'trimmed',
    'text is stored without blanks around it',
    ['append.content/blanks-exact', 'append.content/only-blanks-exact'],
    (text) => text.trim(),
  ),
  stored('controls-dropped', 'text is stored up to its first NUL', ['append.content/controls-exact'], (text) =>
    text.replace(/\0.*/s, ''),
  ),
  stored(
    'markers-dropped',
    'what looks like a marker of the template is taken out',
    ['append.content/markers-exact'],
    (text) => text.replace(/<\|\w+\|>/g, ''),
  ),
  {
    id: 'append.parts-joined',
    area: 'append',
    broken: 'content in parts comes back as one text',
    killedBy: ['append.content/parts-exact'],
    handler: () =>
      writes((messages) =>
        messages.map(({ content, ...message }) => ({
          ...message,
          content: Array.isArray(content) ? content.map(({ text }) => text).join('') : content,
        })),
      ),
  },
  {
    id: 'append.newest-first',
    area: 'append',
    broken: 'a window is listed newest first',
    killedBy: ['append.atomic/order-kept', 'append.system-messages/late-in-place'],
    handler: () => listed((messages) => messages.toReversed()),
  },
  {
    id: 'append.prepends',
    area: 'append',
    broken: 'what is written later stands in front',
    killedBy: ['append.atomic/order-kept'],
    handler: () => listed((messages) => [...messages.slice(-1), ...messages.slice(0, -1)]),
  },
  {
    id: 'append.replaces-the-last',
    area: 'append',
    broken: 'a write takes the place of the message before it',
    killedBy: ['append.atomic/order-kept'],
    handler: () => listed((messages) => [...messages.slice(0, -2), ...messages.slice(-1)]),
  },
  {
    id: 'append.role-changed',
    area: 'append',
    broken: 'system messages behind others become those of a user',
    killedBy: ['append.system-messages/late-role'],
    handler: () =>
      listed((messages) =>
        messages.map((message, index) =>
          index > 0 && message.role === 'system' ? { ...message, role: 'user' } : message,
        ),
      ),
  },
  {
    id: 'append.system-first-only',
    area: 'append',
    broken: 'system messages are accepted at the beginning only',
    killedBy: ['append.system-messages/late-accepted'],
    handler: () => {
      const begun = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const isLate = begun.has(id) && JSON.stringify(body).includes('"role":"system"');
        begun.add(id);
        return isLate ? Promise.resolve(refusal('invalid_request')) : forward();
      });
    },
  },
  {
    id: 'append.name-dropped',
    area: 'append',
    broken: 'the name of a message is not stored',
    killedBy: ['append.message/fields-kept'],
    handler: () => writes((messages) => messages.map(({ name, ...message }) => message as Sent)),
  },
  {
    id: 'append.answer-without-usage',
    area: 'append',
    broken: 'the answer to a write does not say what is used',
    killedBy: ['append.message/answer-shape'],
    handler: () => answers(({ usage, ...answer }: { usage?: object }) => answer),
  },
  {
    id: 'append.answer-other-ids',
    area: 'append',
    broken: 'the messages of the answer have ids that the window does not know',
    killedBy: ['append.message/answer-as-listed'],
    handler: () =>
      answers(({ data = [], ...answer }: { data?: Sent[] }) => ({
        ...answer,
        data: data.map((message) => ({ ...message, id: `${message.id}0` })),
      })),
  },
  {
    id: 'append.flags-left-out',
    area: 'append',
    broken: 'a listed message has no flags where they are false',
    killedBy: ['append.message/message-shape'],
    handler: () =>
      listed((messages) =>
        messages.map(
          (message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== false)) as Sent,
        ),
      ),
  },
  {
    id: 'append.shared-ids',
    area: 'append',
    broken: 'all messages of a write have the same id',
    killedBy: ['append.message/message-ids'],
    handler: () => shown((message) => ({ ...message, id: `msg_of_${message.session_id}` })),
  },
  {
    id: 'append.milliseconds',
    area: 'append',
    broken: 'messages tell their time in milliseconds',
    killedBy: ['append.message/message-session'],
    handler: () => shown((message) => ({ ...message, created_at: 1_000 * Number(message.created_at) })),
  },
  {
    id: 'append.system-as-summary',
    area: 'append',
    broken: 'every system message is taken for a summary',
    killedBy: ['append.message/message-flags'],
    handler: () => shown((message) => ({ ...message, summary: message.role === 'system' })),
  },
];
