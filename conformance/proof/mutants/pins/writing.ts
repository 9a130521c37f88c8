import type { Mutant } from '../../mutant.ts';
import { type Handler, on } from '../../proxy.ts';
import { listed, messagesOf, type Sent, WRITE, writes } from '../../rewrites.ts';
import { mutant, unpinned } from './pin.ts';

const CREATE = '/v1/sessions';
const CHAT = '/v1/chat/completions';
const bodies = (route: string, edit: (messages: Sent[]) => Sent[]): Handler =>
  on('POST', route, ({ body }, forward) => {
    const { messages, ...rest } = body as { messages?: Sent[] };
    return forward({ body: { ...rest, ...(messages && { messages: edit(messages) }) } });
  });
export const PIN_WRITING_MUTANTS: readonly Mutant[] = [
  mutant(
    'first-only',
    'of several leading system messages only the first is pinned',
    ['pins.at-writing/leading-pinned', 'pins.at-writing/leading-pinned-over-writes'],
    () =>
      listed((messages) => messages.map((message, index) => (index === 1 ? { ...message, pinned: false } : message))),
  ),
  mutant(
    'by-write',
    'only the first write of a session can lead',
    ['pins.at-writing/leading-pinned-over-writes'],
    () => {
      const begun = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const messages = messagesOf(body) ?? [];
        const late = begun.has(id);
        begun.add(id);
        return late
          ? forward({ body: { messages: messages.map((message) => ({ pinned: false, ...message })) } })
          : forward();
      });
    },
  ),
  mutant(
    'not-at-creation',
    'messages of a new session are never pinned',
    ['pins.at-writing/leading-pinned-at-creation'],
    () => bodies(CREATE, (messages) => messages.map((message) => ({ ...message, pinned: false }))),
  ),
  mutant('every-system', 'every system message is pinned', ['pins.at-writing/others-not-pinned'], () =>
    writes((messages) =>
      messages.map((message) => (message.role === 'system' ? { pinned: true, ...message } : message)),
    ),
  ),
  mutant(
    'asked-ignored',
    'a pin that is asked for at writing is ignored',
    ['pins.at-writing/asked-pinned', 'pins.group/by-call', 'pins.group/by-result'],
    () => writes((messages) => messages.map(unpinned)),
  ),
  mutant(
    'asked-of-users-only',
    'a pin can be asked for the messages of a user only',
    ['pins.at-writing/asked-pinned'],
    () => writes((messages) => messages.map((message) => (message.role === 'user' ? message : unpinned(message)))),
  ),
  mutant(
    'declined-ignored',
    'a leading system message is pinned whatever it says',
    ['pins.at-writing/declined-not-pinned', 'pins.at-writing/behind-declined-not-pinned'],
    () =>
      bodies(CREATE, (messages) =>
        messages.map((message) => (message.role === 'system' ? unpinned(message) : message)),
      ),
  ),
  mutant(
    'led-by-any-system',
    'a system message leads behind any other, pinned or not',
    ['pins.at-writing/behind-declined-not-pinned'],
    () =>
      listed((messages) => {
        const others = messages.findIndex(({ role }) => role !== 'system');
        const leaders = others === -1 ? messages.length : others;
        return messages.map((message, index) =>
          index > 0 && index < leaders ? { ...message, pinned: true } : message,
        );
      }),
  ),
  mutant(
    'turn-unpinned',
    'nothing that comes with a turn is pinned',
    ['pins.in-turn/leading-pinned', 'pins.in-turn/asked-pinned'],
    () => bodies(CHAT, (messages) => messages.map((message) => ({ ...message, pinned: false }))),
  ),
  mutant('turn-asked-ignored', 'a pin that is asked for in a turn is ignored', ['pins.in-turn/asked-pinned'], () =>
    bodies(CHAT, (messages) => messages.map(unpinned)),
  ),
  mutant('reply-pinned', 'replies are pinned', ['pins.in-turn/reply-not-pinned'], () =>
    listed((messages) =>
      messages.map((message) => (message.role === 'assistant' ? { ...message, pinned: true } : message)),
    ),
  ),
];
