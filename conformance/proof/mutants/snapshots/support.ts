import type { SessionMessage } from '../../../../contract/sessions.ts';
import { editSuccess, windowAt } from '../../asking.ts';
import { chain, type Handler, on } from '../../proxy.ts';

type Listed = Pick<SessionMessage, 'id'>;

/** Lists a snapshot's messages otherwise, by what the window of its session holds when they are read. */
export function listedBy(edit: (listed: Listed[], window: SessionMessage[]) => Listed[]): () => Handler {
  return () => {
    const sessions = new Map<string, string>();
    return chain(
      on('POST', '/v1/sessions/:id/snapshots', async ({ ids: [id = ''] }, forward) =>
        editSuccess(await forward(), (taken) => {
          sessions.set(String(taken.id), id);
          return taken;
        }),
      ),
      on('GET', '/v1/snapshots/:id/messages', async ({ ids: [id = ''] }, forward) => {
        const window = await windowAt(forward, sessions.get(id) ?? '');
        return editSuccess(await forward(), (list) => ({ ...list, data: edit(list.data as Listed[], window) }));
      }),
    );
  };
}
