import type { Mutant } from '../../mutant.ts';
import { chain, editJson, json, on } from '../../proxy.ts';
import { listed, messagesOf, type Sent, WRITE, windowAt, writes } from '../../rewrites.ts';
import { mutant, unpinned } from './pin.ts';

const PIN = '/v1/sessions/:id/messages/:message';
const TRUNCATE = '/v1/sessions/:id/truncate';

export const PIN_CHANGE_MUTANTS: readonly Mutant[] = [
  mutant('answer-of-before', 'a pin is answered with the message as it was', ['pins.change/given-answered'], () =>
    on('POST', PIN, async ({ body }, forward) =>
      editJson(await forward(), (message: object) =>
        'role' in message ? { ...message, pinned: !(body as { pinned: boolean }).pinned } : message,
      ),
    ),
  ),
  mutant(
    'given-forgotten',
    'a pin is answered and not kept',
    ['pins.change/given-listed', 'pins.survive/pinned-stay'],
    () =>
      on('POST', PIN, async ({ ids: [id = '', message = ''], body }, forward) => {
        const target = (await windowAt(forward, id)).find((each) => each.id === message);
        const { pinned } = body as { pinned?: unknown };
        return target && typeof pinned === 'boolean' ? json({ ...target, pinned }) : forward();
      }),
  ),
  mutant('pin-counts', 'a message counts one token more while it is pinned', ['pins.change/nothing-else-changes'], () =>
    listed((messages) =>
      messages.map((message) => (message.pinned ? { ...message, tokens: Number(message.tokens) + 1 } : message)),
    ),
  ),
  mutant('never-taken-away', 'a pin stays for ever', ['pins.change/taken-away', 'pins.survive/taken-away-goes'], () =>
    on('POST', PIN, async ({ body }, forward) => {
      const { pinned } = body as { pinned?: unknown };
      return pinned === false ? forward({ body: { pinned: true } }) : forward();
    }),
  ),
  mutant('unknown-pinned', 'a message that is not there is pinned with success', ['pins.change/unknown-refused'], () =>
    on('POST', PIN, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      return response.status === 404 ? json((await windowAt(forward, id))[0]) : response;
    }),
  ),
  mutant(
    'any-session',
    'a message is found in whatever session it stands',
    ['pins.change/other-session-refused'],
    () => {
      const homes = new Map<string, string>();
      return chain(
        async (request, forward) => {
          const response = await forward();
          if (request.method === 'GET' && request.path.endsWith('/messages')) {
            const { data = [] } = (await response.clone().json()) as { data?: Sent[] };
            for (const message of data) homes.set(String(message.id), String(message.session_id));
          }
          return response;
        },
        on('POST', PIN, ({ ids: [id = '', message = ''] }, forward) =>
          forward({ path: `/v1/sessions/${homes.get(message) ?? id}/messages/${message}` }),
        ),
      );
    },
  ),
  mutant('truthy', 'what is truthy is a pin', ['pins.change/no-boolean-refused', 'pins.change/missing-refused'], () =>
    on('POST', PIN, ({ body }, forward) =>
      forward({ body: { pinned: Boolean((body as { pinned?: unknown }).pinned) } }),
    ),
  ),
  mutant(
    'cut-all-the-same',
    'a cut heeds no pins but those of leading messages',
    ['pins.survive/pinned-stay', 'pins.survive/stay-again'],
    () =>
      on('POST', TRUNCATE, async ({ ids: [id = ''] }, forward) => {
        for (const message of (await windowAt(forward, id)).slice(1)) {
          if (!message.pinned) continue;
          await forward({ path: `/v1/sessions/${id}/messages/${message.id}`, body: { pinned: false } });
        }
        return forward();
      }),
  ),
  mutant('system-never-cut', 'system messages survive a cut wherever they stand', ['pins.survive/others-go'], () =>
    on('POST', TRUNCATE, async ({ ids: [id = ''] }, forward) => {
      for (const message of await windowAt(forward, id)) {
        if (message.role !== 'system') continue;
        await forward({ path: `/v1/sessions/${id}/messages/${message.id}`, body: { pinned: true } });
      }
      return forward();
    }),
  ),
  mutant('decided-at-cut', 'what leads after a cut is pinned', ['pins.survive/late-leader-not-pinned'], () =>
    on('POST', TRUNCATE, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      const [first] = await windowAt(forward, id);
      if (first?.role === 'system') {
        await forward({ path: `/v1/sessions/${id}/messages/${first.id}`, body: { pinned: true } });
      }
      return response;
    }),
  ),
  mutant(
    'message-by-message',
    'a pin keeps its own message, and not the group',
    ['pins.group/by-call', 'pins.group/by-result', 'pins.group/by-late-result'],
    () => {
      const cut = new Set<string>();
      return chain(
        on('POST', TRUNCATE, ({ ids: [id = ''] }, forward) => {
          cut.add(id);
          return forward();
        }),
        listed((messages) =>
          cut.has(String(messages[0]?.session_id))
            ? messages.filter(({ pinned, role, tool_calls }) => pinned || (role !== 'tool' && !tool_calls))
            : messages,
        ),
      );
    },
  ),
  mutant(
    'late-result-alone',
    'a pin that comes with a later write does not hold what was written before',
    ['pins.group/by-late-result'],
    () =>
      on('POST', WRITE, ({ body }, forward) => {
        const messages = messagesOf(body) ?? [];
        return messages[0]?.role === 'tool' ? forward({ body: { messages: messages.map(unpinned) } }) : forward();
      }),
  ),
  mutant('groups-never-cut', 'tool groups survive every cut', ['pins.group/without-pin-goes'], () =>
    writes((messages) => messages.map((message) => (message.tool_calls ? { ...message, pinned: true } : message))),
  ),
];
