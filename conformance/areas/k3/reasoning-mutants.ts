import { inMode, withMessages } from '../../proof/cells.ts';
import { onChat } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editJson, type Handler, type Json, objectIn } from '../../proof/proxy.ts';
import { TURN_MODES } from '../../tables/turns.ts';
import { WRITE_MODES } from '../../tables/writes.ts';
import { REASONING_CASES } from './reasoning-cases.ts';

/** Servers that lose reasoning, or the tools of a system message, in one way of writing or of bringing back. */

const LOSSES: Readonly<Record<string, (message: Json) => Json>> = {
  text: ({ reasoning_content: _, ...message }) => message,
  'dynamic-tools': ({ tools, ...message }) => (tools ? { ...message, content: 'Tools.' } : message),
  picture: ({ content, ...message }) => ({
    ...message,
    content: Array.isArray(content) ? content.filter(({ type }) => type === 'text') : content,
  }),
  spaced: (message) =>
    typeof message.reasoning_content === 'string'
      ? { ...message, reasoning_content: message.reasoning_content.trim() }
      : message,
};

/** What is lost, in the words of a report. */
const LOST: Readonly<Record<string, string>> = {
  text: 'reasoning',
  'dynamic-tools': 'tools',
  picture: 'pictures',
  spaced: 'spaces around reasoning',
};
const apart = Object.keys(LOSSES).filter((loss) => loss !== 'text' && loss !== 'spaced');

function losesAs(mode: string, lose: (message: Json) => Json): Handler {
  return inMode(mode, (request, forward, from) =>
    forward(withMessages(request, (message) => lose(message as never) as never, from)),
  );
}

/** Which windows came back in which way. */
function losesBack(way: string, lose: (message: Json) => Json): Handler {
  const ids = new Set<string>();
  return async (request, forward) => {
    const response = await forward();
    if (response.status >= 300) return response;
    const { method, path, search } = request;
    const id = path.split('/')[3] ?? '';
    if (method === 'POST') {
      const fields = objectIn(request);
      const field = way === 'fork' ? 'snapshot_id' : 'share_id';
      if (path === '/v1/sessions' && way.endsWith('fork') && field in fields)
        ids.add(((await response.clone().json()) as { id: string }).id);
      if (path.endsWith(way === 'cut' ? '/truncate' : `/${way}`)) ids.add(id);
      return response;
    }
    const isListing =
      path.startsWith('/v1/snapshots/') && path.endsWith('/messages') && search.includes(`scope=${way}`);
    const isWindow = path.startsWith('/v1/sessions/') && path.endsWith('/messages') && ids.has(id);
    if (method !== 'GET' || !(isListing || isWindow)) return response;
    return editJson(response, (page: Json) => ({
      ...page,
      data: (page.data as Json[]).map(lose),
    }));
  };
}

/** Thinking is turned round in the turns of one mode. */
function thinksOtherwise(mode: string): Handler {
  const { fields = {} } = TURN_MODES.find(({ name }) => name === mode) ?? {};
  const { stream = false, stream_options } = fields as Json;
  return onChat((body, forward) => {
    const isIt =
      (body.stream ?? false) === stream && JSON.stringify(body.stream_options) === JSON.stringify(stream_options);
    const { type } = (body.thinking ?? {}) as { type?: string };
    if (!isIt || type === undefined) return forward();
    return forward({
      body: { ...body, thinking: { type: type === 'enabled' ? 'disabled' : 'enabled' }, max_tokens: 512 },
    });
  });
}

const mutant = mutantsOf('k3', { losesAs, losesBack, thinksOtherwise });
const checksOf = (id: string) => Object.keys(REASONING_CASES.find((one) => one.id === id)?.checks ?? {});

export const REASONING_MUTANTS: readonly Mutant[] = [
  ...WRITE_MODES.flatMap(({ name }) =>
    Object.entries(LOSSES).map(([loss, lose]) => {
      const checks = checksOf(`k3.reasoning-${name}`).filter((check) =>
        loss === 'text' ? !apart.includes(check) : check === loss,
      );
      return mutant(`loses-${loss}-${name}`, `messages written as ${name} lose their ${LOST[loss]}`)
        .caughtBy(`k3.reasoning-${name}/${checks.join(' ')}`)
        .losesAs(name, lose);
    }),
  ),
  ...checksOf('k3.reasoning-back').flatMap((way) =>
    Object.entries(LOSSES).map(([loss, lose]) =>
      mutant(`loses-back-${loss}-${way}`, `a window that came back by ${way} has lost its ${LOST[loss]}`)
        .caughtBy(`k3.reasoning-back/${way}`)
        .losesBack(way, lose),
    ),
  ),
  ...TURN_MODES.map(({ name }) =>
    mutant(`thinks-otherwise-${name}`, `a ${name} turn thinks where it must not, and not where it must`)
      .caughtBy(`k3.reasoning-turns/stored-${name} none-${name}`)
      .thinksOtherwise(name),
  ),
  mutant('thinks-unsaid', 'a turn that is answered whole does not say what it thought')
    .caughtBy('k3.reasoning-turns/stored-whole')
    .onChat(async ({ session_id, stream }, forward) => {
      const response = await forward();
      if (!session_id || stream || !response.ok) return response;
      return editJson(response, ({ choices, ...body }: Json & { choices: { message: Json }[] }) => ({
        ...body,
        choices: choices.map(({ message: { reasoning_content: _, ...message }, ...choice }) => ({
          ...choice,
          message,
        })),
      }));
    }),
];
