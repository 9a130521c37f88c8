import { ask } from '../../asking.ts';
import { finished } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain } from '../../proxy.ts';
import { listed } from '../../rewrites.ts';
import { answered, askedOf, followed, mutant, onTurn, pieced, reads } from './support.ts';

const FRAME = 4;

/** Sessions in which something was said, as their listing should not show it. */
const spoken = (edit: (content: string) => string) => () =>
  listed((messages) =>
    messages.map((message, index) =>
      index > 0 && message.role === 'assistant' ? { ...message, content: edit(String(message.content)) } : message,
    ),
  );
const charged = (edit: (prompt: number, completion: number, answer: Json) => [number, number]) =>
  answered((answer) => {
    const [prompt_tokens, completion_tokens] = edit(answer.usage.prompt_tokens, answer.usage.completion_tokens, answer);
    return { ...answer, usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } };
  });

export const TURN_ACCOUNT_MUTANTS: readonly Mutant[] = [
  mutant(
    'session-by-answer',
    'a turn names its answer as its session',
    ['turn.accounting/session-named'],
    answered((answer) => ({
      ...answer,
      session: { ...(answer.session as Json), id: answer.id },
    })),
  ),
  mutant(
    'session-unnamed',
    'the answer to a turn does not name its session',
    ['turn.unknown-session/known-answered'],
    answered(({ session, ...answer }) => answer),
  ),
  mutant(
    'session-of-before',
    'a turn tells the session as it was before',
    ['turn.accounting/session-as-read', 'turn.concurrent/usage-of-all'],
    onTurn(async (body, forward) => {
      const { version, usage } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body;
      const response = await forward();
      if (!response.ok || body.stream) return response;
      const answer = (await response.json()) as Json;
      return Response.json({ ...answer, session: { ...(answer.session as Json), version, usage } });
    }),
  ),
  mutant(
    'window-unpaid',
    'the prompt of a turn counts the new messages only',
    ['turn.accounting/prompt-counts-all', 'turn.accounting/usage-after', 'turn.no-messages/prompt-is-the-window'],
    onTurn(async (body, forward) => {
      const { usage } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body as {
        usage?: { total_tokens: number };
      };
      const response = await forward();
      if (!response.ok || body.stream) return response;
      const answer = (await response.json()) as { usage: { prompt_tokens: number } };
      const prompt_tokens = answer.usage.prompt_tokens - (usage?.total_tokens ?? 0);
      return Response.json({ ...answer, usage: { ...answer.usage, prompt_tokens } });
    }),
  ),
  mutant(
    'end-counted',
    'a completion counts the marker at its end',
    ['turn.accounting/usage-after', 'turn.accounting/reply-tokens'],
    charged((prompt, completion) => [prompt, completion + 1]),
  ),
  mutant('begun-answer-paid', 'a begun answer is charged a beginning of its own', ['turn.partial/usage-after'], () =>
    onTurn(async (body, forward) => {
      const response = await forward();
      if (!response.ok || !body.messages.some(({ partial }) => partial)) return response;
      const answer = (await response.json()) as { usage: { prompt_tokens: number } };
      return Response.json({
        ...answer,
        usage: { ...answer.usage, prompt_tokens: answer.usage.prompt_tokens + FRAME },
      });
    })(),
  ),
  mutant(
    'stream-miscounted',
    'a stream counts its chunks as tokens',
    ['turn.stream/usage-after'],
    finished((chunk, usage) => {
      const [choice] = chunk.choices as Json[];
      return [
        { ...chunk, choices: [{ ...choice, usage: { ...usage, completion_tokens: usage.completion_tokens + 3 } }] },
      ];
    }),
  ),
  mutant(
    'last-message-only',
    'of the new messages the last alone is taken',
    ['turn.accounting/new-stored', 'turn.accounting/prompt-counts-all'],
    askedOf((body) => ({ ...body, messages: body.messages.slice(-1) })),
  ),
  mutant(
    'reply-not-stored',
    'the reply is not stored',
    ['turn.accounting/reply-stored', 'turn.stream/committed-at-answer', 'turn.concurrent/not-interleaved'],
    pieced({ store: (added) => added }),
  ),
  mutant(
    'reply-trimmed',
    'the stored reply lacks its last character',
    ['turn.accounting/reply-stored', 'turn.stream/stored-as-streamed'],
    spoken((content) => content.slice(0, -1)),
  ),
  mutant(
    'window-replaced',
    'a turn takes the place of what stood in the window',
    ['turn.accounting/earlier-kept'],
    () => {
      const told = new Set<string>();
      return chain(
        onTurn((body, forward) => {
          told.add(body.session_id);
          return forward();
        })(),
        listed((messages) => (told.has(String(messages[0]?.session_id)) ? messages.slice(-3) : messages)),
      );
    },
  ),
  mutant(
    'version-per-message',
    'each message of a turn is a step of the version',
    ['turn.accounting/one-version'],
    () =>
      reads((_, what, body) =>
        what === 'session'
          ? { ...body, version: Number(body.version) + (body.usage as { messages: number }).messages }
          : body,
      ),
  ),
  mutant(
    'stream-session-unnamed',
    'a stream does not name its session',
    ['turn.stream/finish-names-session'],
    finished(({ session, ...chunk }) => [chunk]),
  ),
  mutant(
    'stream-session-of-before',
    'a stream tells the version before the turn',
    ['turn.stream/finish-as-read'],
    finished((chunk) => {
      const session = chunk.session as (Json & { version: number }) | undefined;
      return [session ? { ...chunk, session: { ...session, version: session.version - 1 } } : chunk];
    }),
  ),
  mutant(
    'reads-lag',
    'the first read after a turn shows the session before it',
    ['turn.stream/committed-at-answer', 'turn.stream/committed-at-finish'],
    () => {
      const seen = new Map<string, Json>();
      const stale = new Set<string>();
      return chain(
        onTurn(async ({ session_id: id }, forward) => {
          const response = await forward();
          for (const what of ['session', 'window']) stale.add(`${what} ${id}`);
          return response;
        })(),
        reads((id, what, body) => {
          const place = `${what} ${id}`;
          const shown = (stale.delete(place) && seen.get(place)) || body;
          seen.set(place, body);
          return shown;
        }),
      );
    },
  ),
  mutant(
    'committed-after-done',
    'a streamed turn is stored after its last byte',
    ['turn.stream/committed-at-finish'],
    () => {
      const seen = new Map<string, Json>();
      const open = new Set<string>();
      return chain(
        onTurn(async ({ session_id: id, stream }, forward) => {
          const response = await forward();
          if (!stream || !response.ok) return response;
          open.add(id);
          return followed(response, { ended: () => open.delete(id), left: () => undefined });
        })(),
        reads((id, what, body) => {
          if (open.has(id)) return seen.get(`${what} ${id}`) ?? body;
          seen.set(`${what} ${id}`, body);
          return body;
        }),
      );
    },
  ),
];
