import type { SessionMessage } from '../../../../contract/sessions.ts';
import { ask, editSuccess, editWindows, unpin, windowAt } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editJson, type Forward, type Handler, on } from '../../proxy.ts';
import { Origins } from './origins.ts';

/** Changes the fork as soon as it is there. */
function forked(work: (fork: Json, forward: Forward, source: string) => Promise<unknown>): () => Handler {
  return () =>
    new Origins().handler(async (fork, forward, source) => {
      await work(fork, forward, source);
      return (await ask(forward, 'GET', `/v1/sessions/${fork.id}`)).body;
    });
}

/** Shows forks otherwise, wherever they are shown. */
function shown(edit: (fork: Json, source: string) => Json): () => Handler {
  return () => {
    const origins = new Origins();
    return chain(
      on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) => {
        const source = origins.sessionOf.get(id);
        const response = await forward();
        return source === undefined ? response : editSuccess(response, (fork) => edit(fork, source));
      }),
      origins.handler((fork, _, source) => edit(fork, source)),
    );
  };
}

/** What a fork begins with. */
export const FORK_BEGINNING_MUTANTS: readonly Mutant[] = [
  {
    id: 'forks.are-the-source',
    area: 'forks',
    broken: 'a fork is the session that it should be forked from',
    killedBy: ['forks.new-session/own-session'],
    handler: () => {
      const origins = new Origins();
      return origins.handler(async (_, forward, source) => (await ask(forward, 'GET', `/v1/sessions/${source}`)).body);
    },
  },
  {
    id: 'forks.begin-today',
    area: 'forks',
    broken: 'a fork begins with the window that its source has now',
    killedBy: ['forks.new-session/same-window'],
    handler: () => {
      const windows = new Map<string, SessionMessage[]>();
      return chain(
        new Origins().handler(async (fork, forward, source) => {
          const window = await windowAt(forward, source);
          windows.set(
            String(fork.id),
            window.map((one) => ({ ...one, session_id: String(fork.id) })),
          );
          return fork;
        }),
        editWindows((messages, id) => windows.get(id) ?? messages),
      );
    },
  },
  {
    id: 'forks.usage-of-nothing',
    area: 'forks',
    broken: 'a fork says to be empty',
    killedBy: ['forks.new-session/same-usage'],
    handler: shown((fork) => ({ ...fork, usage: { ...(fork.usage as Json), total_tokens: 0, messages: 0 } })),
  },
  {
    id: 'forks.pins-lost',
    area: 'forks',
    broken: 'pins are not copied',
    killedBy: ['forks.new-session/same-pins'],
    handler: forked((fork, forward) => unpin(forward, String(fork.id))),
  },
  {
    id: 'forks.tools-lost',
    area: 'forks',
    broken: 'tools are not copied',
    killedBy: ['forks.new-session/same-tools'],
    handler: forked((fork, forward) => ask(forward, 'POST', `/v1/sessions/${fork.id}`, { tools: [] })),
  },
  {
    id: 'forks.default-model',
    area: 'forks',
    broken: 'a fork has the alias of the default model',
    killedBy: ['forks.new-session/same-model'],
    handler: shown((fork) => ({ ...fork, model: 'kimi-k2-0905' })),
  },
  {
    id: 'forks.origin-is-the-session',
    area: 'forks',
    broken: 'forked_from names the session instead of the snapshot',
    killedBy: ['forks.new-session/names-its-origin'],
    handler: shown((fork, source) => ({ ...fork, forked_from: { snapshot_id: source } })),
  },
  {
    id: 'forks.origin-of-everything',
    area: 'forks',
    broken: 'every session says to be forked from itself',
    killedBy: ['forks.new-session/others-have-none'],
    handler: () => async (request, forward) => {
      const response = await forward();
      if (!/^\/v1\/sessions\/[^/]+$/.test(request.path) || !response.ok) return response;
      return editJson(response, (body: Json) => ({
        ...body,
        forked_from: body.forked_from ?? { snapshot_id: body.id },
      }));
    },
  },
];
