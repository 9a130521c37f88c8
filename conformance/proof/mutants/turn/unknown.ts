import { ask } from '../../asking.ts';
import { onChat } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, on } from '../../proxy.ts';
import { codeOf } from '../../rewrites.ts';
import { mutant, onTurn } from './support.ts';

const UNKNOWN = 'session_not_found';

export const TURN_UNKNOWN_MUTANTS: readonly Mutant[] = [
  mutant(
    'unknown-made',
    'a chat in a session that is not there makes it',
    [
      'turn.unknown-session/invented-refused',
      'turn.unknown-session/streamed-refused',
      'turn.unknown-session/none-created',
    ],
    () => {
      const made = new Map<string, string>();
      return chain(
        async (request, forward) => {
          const id = request.path.split('/')[3] ?? '';
          return forward({ path: request.path.replace(id || '\0', made.get(id) ?? id) });
        },
        onTurn(async (body, forward) => {
          const response = await forward({
            body: { ...body, session_id: made.get(body.session_id) ?? body.session_id },
          });
          if ((await codeOf(response)) !== UNKNOWN) return response;
          const { id } = (await ask(forward, 'POST', '/v1/sessions', {})).body;
          made.set(body.session_id, String(id));
          return forward({ body: { ...body, session_id: id } });
        })(),
      );
    },
  ),
  mutant(
    'unknown-stateless',
    'a chat in a session that is not there is answered without one',
    ['turn.unknown-session/invented-refused', 'turn.unknown-session/deleted-refused'],
    onTurn(async (body, forward) => {
      const response = await forward();
      const { session_id, ...rest } = body;
      return (await codeOf(response)) === UNKNOWN ? forward({ body: rest }) : response;
    }),
  ),
  mutant(
    'refusal-streamed',
    'a streamed turn is refused within a stream that succeeds',
    ['turn.unknown-session/streamed-refused'],
    onChat(async (body, forward) => {
      const response = await forward();
      if (response.ok || body.stream !== true) return response;
      const text = `data: ${await response.text()}\n\ndata: [DONE]\n\n`;
      return new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });
    }),
  ),
  mutant('deleted-still-there', 'a deleted session still takes turns', ['turn.unknown-session/deleted-refused'], () =>
    on('DELETE', '/v1/sessions/:id', ({ ids: [id = ''] }) =>
      Promise.resolve(Response.json({ id, object: 'session.deleted', deleted: true })),
    ),
  ),
];
