import { ask, editSuccess, unpin } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, json, on } from '../../proxy.ts';
import { listedBy } from './support.ts';

const TAKE = '/v1/sessions/:id/snapshots';
const READ = '/v1/snapshots/:id/messages';

/** A snapshot and its session are not kept apart. */
export const SNAPSHOT_CHANGING_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.live-reference',
    area: 'snapshots',
    broken: 'a snapshot shows the window as it is now',
    killedBy: ['snapshots.immutable/after-writes', 'snapshots.immutable/after-cut'],
    handler: listedBy((_, window) => window),
  },
  {
    id: 'snapshots.shares-pins',
    area: 'snapshots',
    broken: 'pins are kept with the message, so that snapshots show those of today',
    killedBy: ['snapshots.immutable/after-pins'],
    handler: () => {
      const pins = new Map<string, boolean>();
      return chain(
        on('POST', '/v1/sessions/:id/messages/:message', ({ ids: [, message = ''], body }, forward) => {
          pins.set(message, (body as { pinned: boolean }).pinned);
          return forward();
        }),
        on('GET', READ, async (_, forward) =>
          editSuccess(await forward(), (list) => ({
            ...list,
            data: (list.data as { id: string; pinned: boolean }[]).map((one) => ({
              ...one,
              pinned: pins.get(one.id) ?? one.pinned,
            })),
          })),
        ),
      );
    },
  },
  {
    id: 'snapshots.shares-tools',
    area: 'snapshots',
    broken: 'the usage of a snapshot counts the tools that its session has now',
    killedBy: ['snapshots.immutable/after-other-tools'],
    handler: () =>
      on('GET', '/v1/snapshots/:id', async (_, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        const taken = (await response.json()) as Json;
        const { body } = await ask(forward, 'GET', `/v1/sessions/${taken.session_id}`);
        const { tools_tokens } = (body.usage ?? taken.usage) as Json;
        return json({ ...taken, usage: { ...(taken.usage as Json), tools_tokens } });
      }),
  },
  {
    id: 'snapshots.unpins-the-session',
    area: 'snapshots',
    broken: 'taking a snapshot moves the pins of the session into it',
    killedBy: ['snapshots.object/session-unchanged'],
    handler: () =>
      on('POST', TAKE, async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        await unpin(forward, id, ({ role }) => role === 'system');
        return response;
      }),
  },
  {
    id: 'snapshots.turn-half-stored',
    area: 'snapshots',
    broken: 'the messages of a turn are stored before the model answers, where a snapshot sees them',
    killedBy: ['snapshots.during-turn/whole-or-not'],
    handler: () => {
      let taken = (): void => undefined;
      const snapshot = new Promise<void>((resolve) => {
        taken = resolve;
      });
      let written = (): void => undefined;
      const half = new Promise<void>((resolve) => {
        written = resolve;
      });
      return chain(
        on('POST', '/v1/chat/completions', async ({ body }, forward) => {
          const { session_id, messages, ...rest } = body as Json;
          if (typeof session_id !== 'string') return forward();
          await ask(forward, 'POST', `/v1/sessions/${session_id}/messages`, { messages });
          written();
          await snapshot;
          return forward({ body: { ...rest, session_id, messages: [] } });
        }),
        on('POST', TAKE, async (_, forward) => {
          await half;
          const response = await forward();
          taken();
          return response;
        }),
      );
    },
  },
];
