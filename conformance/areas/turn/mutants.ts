import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler, Json } from '../../proof/proxy.ts';
import { chain, editJson, type Forward } from '../../proof/proxy.ts';
import { ask, codeOf, editListed, type Message, windowAt } from '../../proof/sessions.ts';
import { answered, askedOf, followed, onTurn, pieced, reads, window } from './mutant-support.ts';
import {
  TURN_PAIRING_MUTANTS,
  TURN_RACE_MUTANTS,
  TURN_REPLY_MUTANTS,
  TURN_TOOL_MUTANTS,
  TURN_UNKNOWN_MUTANTS,
} from './reply-mutants.ts';

const mutant = mutantsOf('turn', { answered, askedOf, onTurn, pieced, spoken });

/** Sessions in which something was said, as their listing should not show it. */
function spoken(edit: (content: string) => string): Handler {
  return editListed((messages) =>
    messages.map((message, index) =>
      index > 0 && message.role === 'assistant' ? { ...message, content: edit(String(message.content)) } : message,
    ),
  );
}

const TURN_ACCOUNT_MUTANTS = [
  mutant('session-unnamed', 'the answer to a turn does not name its session')
    .caughtBy('turn.unknown-session/known-answered')
    .answered(({ session, ...answer }) => answer),
  mutant('session-of-before', 'a turn answers with the session as it was before')
    .caughtBy('turn.concurrent/usage-of-all')
    .onTurn(async (body, forward) => {
      const { version, usage } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body;
      const response = await forward();
      if (!response.ok || body.stream) return response;
      const answer = (await response.json()) as Json;
      return Response.json({ ...answer, session: { ...(answer.session as Json), version, usage } });
    }),
  mutant('window-unpaid', 'the prompt of a turn counts the new messages only')
    .caughtBy('turn.no-messages/prompt-is-the-window')
    .onTurn(async (body, forward) => {
      const { usage } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body as {
        usage?: { total_tokens: number };
      };
      const response = await forward();
      if (!response.ok || body.stream) return response;
      const answer = (await response.json()) as { usage: { prompt_tokens: number } };
      const prompt_tokens = answer.usage.prompt_tokens - (usage?.total_tokens ?? 0);
      return Response.json({ ...answer, usage: { ...answer.usage, prompt_tokens } });
    }),
  mutant('stream-miscounted', 'a stream counts its chunks as tokens')
    .caughtBy('turn.stream/usage-after')
    .editFinishChunk((chunk, usage) => {
      const [choice] = chunk.choices as Json[];
      return [
        { ...chunk, choices: [{ ...choice, usage: { ...usage, completion_tokens: usage.completion_tokens + 3 } }] },
      ];
    }),
  mutant('reply-not-stored', 'the reply is not stored')
    .caughtBy('turn.stream/committed-at-answer', 'turn.concurrent/not-interleaved')
    .pieced({ store: (added) => added }),
  mutant('reply-trimmed', 'the stored reply lacks its last character')
    .caughtBy('turn.stream/stored-as-streamed')
    .spoken((content) => content.slice(0, -1)),
  mutant('stream-session-unnamed', 'a stream does not name its session')
    .caughtBy('turn.stream/finish-names-session')
    .editFinishChunk(({ session, ...chunk }) => [chunk]),
  mutant('stream-session-of-before', 'a stream has the version before the turn')
    .caughtBy('turn.stream/finish-as-read')
    .editFinishChunk((chunk) => {
      const session = chunk.session as (Json & { version: number }) | undefined;
      return [session ? { ...chunk, session: { ...session, version: session.version - 1 } } : chunk];
    }),
  mutant('reads-lag', 'the first read after a turn shows the session before it')
    .caughtBy('turn.stream/committed-at-answer committed-at-finish')
    .proxy(() => {
      const seen = new Map<string, Json>();
      const stale = new Set<string>();
      return chain(
        onTurn(async ({ session_id: id }, forward) => {
          const response = await forward();
          for (const what of ['session', 'window']) stale.add(`${what} ${id}`);
          return response;
        }),
        reads((id, what, body) => {
          const place = `${what} ${id}`;
          const shown = (stale.delete(place) && seen.get(place)) || body;
          seen.set(place, body);
          return shown;
        }),
      );
    }),
  mutant('committed-after-done', 'a streamed turn is stored after its last byte')
    .caughtBy('turn.stream/committed-at-finish')
    .proxy(() => {
      const seen = new Map<string, Json>();
      const open = new Set<string>();
      return chain(
        onTurn(async ({ session_id: id, stream }, forward) => {
          const response = await forward();
          if (!stream || !response.ok) return response;
          open.add(id);
          return followed(response, { ended: () => open.delete(id), left: () => undefined });
        }),
        reads((id, what, body) => {
          if (open.has(id)) return seen.get(`${what} ${id}`) ?? body;
          seen.set(`${what} ${id}`, body);
          return body;
        }),
      );
    }),
];

const LAST = 10;

async function allWindows(forward: Forward): Promise<Message[]> {
  const { data = [] } = (await ask(forward, 'GET', '/v1/sessions', undefined, '?limit=100')).body as {
    data?: { id: string }[];
  };
  const windows: Message[] = [];
  for (const { id } of data) {
    const messages = await windowAt(forward, id);
    windows.push(...messages.map(({ role, content }) => ({ role, content })));
  }
  return windows;
}

const TURN_HISTORY_MUTANTS = [
  mutant('history-ignored', 'the model reads the new messages only')
    .caughtBy('turn.history/written-before-read said-before-read late-system-read', 'turn.isolation/own-read')
    .pieced({ read: (_, added) => added }),
  mutant('last-messages-only', 'the model reads the last ten messages')
    .caughtBy('turn.history/oldest-of-many-read', 'turn.window/oldest-of-full-read')
    .pieced({ read: (window, added) => [...window.slice(-LAST), ...added] }),
  mutant('turns-not-kept', 'what is said in turns is not stored')
    .caughtBy('turn.history/said-before-read')
    .pieced({
      store: () => [],
    }),
  mutant('late-system-ignored', 'the model reads system messages at the beginning only')
    .caughtBy('turn.history/late-system-read')
    .pieced({
      read: (window, added) => [...window.filter(({ role }, index) => index === 0 || role !== 'system'), ...added],
    }),
  mutant('history-shared', 'the model reads all sessions of the account')
    .caughtBy('turn.isolation/other-not-read')
    .pieced({
      read: async (_, added, forward) => [...(await allWindows(forward)), ...added],
    }),
  mutant('outside-reads-sessions', 'a chat without session goes on from the sessions of the account')
    .caughtBy('turn.isolation/outside-not-read')
    .onChat(async (body, forward) => {
      if (body.session_id !== undefined || !Array.isArray(body.messages)) return forward();
      return forward({ body: { ...body, messages: [...(await allWindows(forward)), ...body.messages] } });
    }),
  mutant('one-session', 'every turn goes to the session of the first')
    .caughtBy('turn.isolation/stored-apart other-not-read')
    .proxy(() => {
      let first: string | undefined;
      return onTurn(async (body, forward) => {
        first ??= body.session_id;
        const response = await forward({ body: { ...body, session_id: first } });
        if ((await codeOf(response)) !== 'session_not_found') return response;
        first = undefined;
        return forward();
      });
    }),
  mutant('empty-window-accepted', 'a turn of no messages in an empty window is answered')
    .caughtBy('turn.no-messages/empty-window-refused')
    .onTurn(async (body, forward) => {
      const response = await forward();
      if (response.ok || body.messages.length > 0) return response;
      return forward({ body: { ...body, messages: [{ role: 'user', content: 'Hello.' }] } });
    }),
  mutant('last-repeated', 'a turn of no messages repeats the last one')
    .caughtBy('turn.no-messages/reply-alone-stored prompt-is-the-window')
    .onTurn(async (body, forward) => {
      const last = body.messages.length === 0 ? (await windowAt(forward, body.session_id)).at(-1) : undefined;
      return last?.role === 'user'
        ? forward({ body: { ...body, messages: [{ role: 'user', content: last.content }] } })
        : forward();
    }),
  mutant('greets-instead', 'a turn of no messages is answered as if nothing had been said')
    .caughtBy('turn.no-messages/answers-the-window')
    .pieced({
      read: (window, added) => (added.length === 0 ? [{ role: 'user', content: 'Hello.' }] : [...window, ...added]),
    }),
];

const TURN_LIMIT_MUTANTS = [
  mutant('refused-turn-stored', 'the new messages of a refused turn are stored, as far as they can be')
    .caughtBy('turn.window/over-changes-nothing', 'turn.choices/two-change-nothing')
    .onTurn(async (body, forward) => {
      const response = await forward();
      const path = `/v1/sessions/${body.session_id}/messages`;
      if (response.status === 400) for (const message of body.messages) await forward({ path, body: message });
      return response;
    }),
  mutant('one-over-window', 'a turn may take the window one token over its end')
    .caughtBy('turn.window/over-refused over-told')
    .onTurn(async (body, forward) => {
      const response = await forward();
      const isOneOver = (await response.clone().text()).includes(`(requested: ${window + 1})`);
      return isOneOver ? forward({ body: { ...body, max_tokens: Number(body.max_tokens) - 1 } }) : response;
    }),
  mutant('max-tokens-uncounted', 'max tokens are not reserved in the window')
    .caughtBy('turn.window/over-refused default-max-told')
    .onTurn(async (body, forward) => {
      const response = await forward();
      return (await codeOf(response)) === 'context_window_exceeded'
        ? forward({ body: { ...body, max_tokens: 1 } })
        : response;
    }),
  mutant('default-max-halved', 'a streamed turn without max_tokens counts with half of the default')
    .caughtBy('turn.window/streamed-default-max-told')
    .askedOf((body) => (body.stream && !('max_tokens' in body) ? { ...body, max_tokens: 512 } : body)),
  mutant('window-refused', 'a turn cannot take the window to its last token')
    .caughtBy('turn.window/exact-accepted over-told')
    .askedOf((body) => ({ ...body, ...(typeof body.max_tokens === 'number' && { max_tokens: body.max_tokens + 1 }) })),
  mutant('window-rolls', 'a turn that does not fit drops the oldest messages')
    .caughtBy('turn.window/over-refused over-changes-nothing exact-keeps-all')
    .onTurn(async (body, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'context_window_exceeded') return response;
      await ask(forward, 'POST', `/v1/sessions/${body.session_id}/truncate`, { preserve_len: window / 4 });
      return forward();
    }),
  mutant('headroom-kept', 'a window that a turn has filled is cut')
    .caughtBy('turn.window/exact-keeps-all')
    .onTurn(async (body, forward) => {
      const response = await forward();
      const path = `/v1/sessions/${body.session_id}`;
      const { usage } = (await ask(forward, 'GET', path)).body as { usage?: { remaining_tokens: number } };
      if (response.ok && usage && usage.remaining_tokens < 48) {
        await ask(forward, 'POST', `${path}/truncate`, { preserve_len: window / 2 });
      }
      return response;
    }),
  mutant('requested-short', 'the requested tokens leave the last token out')
    .caughtBy('turn.window/over-told default-max-told')
    .onTurn(async (_, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'context_window_exceeded') return response;
      return editJson(response, ({ error }: { error: { message: string } }) => ({
        error: {
          ...error,
          message: error.message.replace(/(?<=requested: )\d+/, (count) => String(Number(count) - 1)),
        },
      }));
    }),
  mutant('other-default', 'a turn without max_tokens counts as one of 512')
    .caughtBy('turn.window/default-max-told')
    .askedOf((body) => ({
      max_tokens: 512,
      ...body,
    })),
];

export const TURN_MUTANTS: readonly Mutant[] = [
  ...TURN_ACCOUNT_MUTANTS,
  ...TURN_HISTORY_MUTANTS,
  ...TURN_LIMIT_MUTANTS,
  ...TURN_PAIRING_MUTANTS,
  ...TURN_TOOL_MUTANTS,
  ...TURN_REPLY_MUTANTS,
  ...TURN_UNKNOWN_MUTANTS,
  ...TURN_RACE_MUTANTS,
];
