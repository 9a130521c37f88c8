import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { chain, editJson, type Handler, json, on } from '../../proof/proxy.ts';
import {
  editBodies,
  editListed,
  type Message,
  messagesOf,
  noteRequests,
  WRITE,
  windowAt,
} from '../../proof/sessions.ts';

const mutant = mutantsOf('pins', { bodies });

const unpinned = ({ pinned, ...message }: Message): Message => message as Message;

const PIN = '/v1/sessions/:id/messages/:message';

const TRUNCATE = '/v1/sessions/:id/truncate';

const PIN_CHANGE_MUTANTS = [
  mutant('answer-of-before', 'a pin is answered with the message as it was')
    .caughtBy('pins.change/given-answered')
    .on('POST', PIN, async ({ body }, forward) =>
      editJson(await forward(), (message: object) =>
        'role' in message ? { ...message, pinned: !(body as { pinned: boolean }).pinned } : message,
      ),
    ),
  mutant('given-forgotten', 'a pin is answered and not kept')
    .caughtBy('pins.change/given-listed', 'pins.survive/pinned-stay')
    .on('POST', PIN, async ({ ids: [id = '', message = ''], body }, forward) => {
      const target = (await windowAt(forward, id)).find((each) => each.id === message);
      const { pinned } = body as { pinned?: unknown };
      return target && typeof pinned === 'boolean' ? json({ ...target, pinned }) : forward();
    }),
  mutant('pin-counts', 'a message counts one token more while it is pinned')
    .caughtBy('pins.change/nothing-else-changes')
    .editListed((messages) =>
      messages.map((message) => (message.pinned ? { ...message, tokens: Number(message.tokens) + 1 } : message)),
    ),
  mutant('never-taken-away', 'a pin stays for ever')
    .caughtBy('pins.change/taken-away', 'pins.survive/taken-away-goes')
    .on('POST', PIN, async ({ body }, forward) => {
      const { pinned } = body as { pinned?: unknown };
      return pinned === false ? forward({ body: { pinned: true } }) : forward();
    }),
  mutant('unknown-pinned', 'a message that is not there is pinned with success')
    .caughtBy('pins.change/unknown-refused')
    .on('POST', PIN, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      return response.status === 404 ? json((await windowAt(forward, id))[0]) : response;
    }),
  mutant('any-session', 'a message is found in whatever session it stands')
    .caughtBy('pins.change/other-session-refused')
    .proxy(() => {
      const homes = new Map<string, string>();
      return chain(
        async (request, forward) => {
          const response = await forward();
          if (request.method === 'GET' && request.path.endsWith('/messages')) {
            const { data = [] } = (await response.clone().json()) as { data?: Message[] };
            for (const message of data) homes.set(String(message.id), String(message.session_id));
          }
          return response;
        },
        on('POST', PIN, ({ ids: [id = '', message = ''] }, forward) =>
          forward({ path: `/v1/sessions/${homes.get(message) ?? id}/messages/${message}` }),
        ),
      );
    }),
  mutant('truthy', 'what is truthy is a pin')
    .caughtBy('pins.change/no-boolean-refused missing-refused')
    .editBodies('POST', PIN, (body) => ({ pinned: Boolean((body as { pinned?: unknown }).pinned) })),
  mutant('cut-all-the-same', 'a cut heeds no pins but those of leading messages')
    .caughtBy('pins.survive/pinned-stay stay-again')
    .on('POST', TRUNCATE, async ({ ids: [id = ''] }, forward) => {
      for (const message of (await windowAt(forward, id)).slice(1)) {
        if (!message.pinned) continue;
        await forward({ path: `/v1/sessions/${id}/messages/${message.id}`, body: { pinned: false } });
      }
      return forward();
    }),
  mutant('system-never-cut', 'system messages survive a cut wherever they stand')
    .caughtBy('pins.survive/others-go')
    .on('POST', TRUNCATE, async ({ ids: [id = ''] }, forward) => {
      for (const message of await windowAt(forward, id)) {
        if (message.role !== 'system') continue;
        await forward({ path: `/v1/sessions/${id}/messages/${message.id}`, body: { pinned: true } });
      }
      return forward();
    }),
  mutant('decided-at-cut', 'what leads after a cut is pinned')
    .caughtBy('pins.survive/late-leader-not-pinned')
    .on('POST', TRUNCATE, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      const [first] = await windowAt(forward, id);
      if (first?.role === 'system') {
        await forward({ path: `/v1/sessions/${id}/messages/${first.id}`, body: { pinned: true } });
      }
      return response;
    }),
  mutant('message-by-message', 'a pin keeps its own message, and not the group')
    .caughtBy('pins.group/by-call by-result by-late-result')
    .proxy(() => {
      const cut = new Set<string>();
      return chain(
        noteRequests('POST', TRUNCATE, ({ ids: [id = ''] }) => cut.add(id)),
        editListed((messages) =>
          cut.has(String(messages[0]?.session_id))
            ? messages.filter(({ pinned, role, tool_calls }) => pinned || (role !== 'tool' && !tool_calls))
            : messages,
        ),
      );
    }),
  mutant('late-result-alone', 'a pin that comes with a later write does not hold what was written before')
    .caughtBy('pins.group/by-late-result')
    .on('POST', WRITE, ({ body }, forward) => {
      const messages = messagesOf(body) ?? [];
      return messages[0]?.role === 'tool' ? forward({ body: { messages: messages.map(unpinned) } }) : forward();
    }),
  mutant('groups-never-cut', 'tool groups survive every cut')
    .caughtBy('pins.group/without-pin-goes')
    .editWrites((messages) => messages.map((message) => (message.tool_calls ? { ...message, pinned: true } : message))),
];

const CREATE = '/v1/sessions';

const CHAT = '/v1/chat/completions';

function bodies(route: string, edit: (messages: Message[]) => Message[]): Handler {
  return editBodies('POST', route, (body) => {
    const { messages, ...rest } = body as { messages?: Message[] };
    return { ...rest, ...(messages && { messages: edit(messages) }) };
  });
}

const PIN_WRITING_MUTANTS = [
  mutant('first-only', 'of several leading system messages only the first is pinned')
    .caughtBy('pins.at-writing/leading-pinned leading-pinned-over-writes')
    .editListed((messages) =>
      messages.map((message, index) => (index === 1 ? { ...message, pinned: false } : message)),
    ),
  mutant('by-write', 'only the first write of a session can lead')
    .caughtBy('pins.at-writing/leading-pinned-over-writes')
    .proxy(() => {
      const begun = new Set<string>();
      return on('POST', WRITE, ({ ids: [id = ''], body }, forward) => {
        const messages = messagesOf(body) ?? [];
        const late = begun.has(id);
        begun.add(id);
        return late
          ? forward({ body: { messages: messages.map((message) => ({ pinned: false, ...message })) } })
          : forward();
      });
    }),
  mutant('not-at-creation', 'messages of a new session are never pinned')
    .caughtBy('pins.at-writing/leading-pinned-at-creation')
    .bodies(CREATE, (messages) => messages.map((message) => ({ ...message, pinned: false }))),
  mutant('every-system', 'every system message is pinned')
    .caughtBy('pins.at-writing/others-not-pinned')
    .editWrites((messages) =>
      messages.map((message) => (message.role === 'system' ? { pinned: true, ...message } : message)),
    ),
  mutant('asked-ignored', 'a pin that is asked for at writing is ignored')
    .caughtBy('pins.at-writing/asked-pinned', 'pins.group/by-call by-result')
    .editWrites((messages) => messages.map(unpinned)),
  mutant('asked-of-users-only', 'a pin can be asked for the messages of a user only')
    .caughtBy('pins.at-writing/asked-pinned')
    .editWrites((messages) => messages.map((message) => (message.role === 'user' ? message : unpinned(message)))),
  mutant('declined-ignored', 'a leading system message is pinned whatever it says')
    .caughtBy('pins.at-writing/declined-not-pinned behind-declined-not-pinned')
    .bodies(CREATE, (messages) => messages.map((message) => (message.role === 'system' ? unpinned(message) : message))),
  mutant('led-by-any-system', 'a system message leads behind any other, pinned or not')
    .caughtBy('pins.at-writing/behind-declined-not-pinned')
    .editListed((messages) => {
      const others = messages.findIndex(({ role }) => role !== 'system');
      const leaders = others === -1 ? messages.length : others;
      return messages.map((message, index) => (index > 0 && index < leaders ? { ...message, pinned: true } : message));
    }),
  mutant('turn-unpinned', 'nothing that comes with a turn is pinned')
    .caughtBy('pins.in-turn/leading-pinned asked-pinned')
    .bodies(CHAT, (messages) => messages.map((message) => ({ ...message, pinned: false }))),
  mutant('turn-asked-ignored', 'a pin that is asked for in a turn is ignored')
    .caughtBy('pins.in-turn/asked-pinned')
    .bodies(CHAT, (messages) => messages.map(unpinned)),
  mutant('reply-pinned', 'replies are pinned')
    .caughtBy('pins.in-turn/reply-not-pinned')
    .editListed((messages) =>
      messages.map((message) => (message.role === 'assistant' ? { ...message, pinned: true } : message)),
    ),
];

export const PINS_MUTANTS: readonly Mutant[] = [...PIN_WRITING_MUTANTS, ...PIN_CHANGE_MUTANTS];
