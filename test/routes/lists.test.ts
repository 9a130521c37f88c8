import { describe, expect, it } from 'vitest';
import type { SessionAppend } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, expectRefusal, startSession } from '../support/session.ts';

describe.each(TRANSPORTS)('the cursor of a list %s', (transport) => {
  it('is a snapshot of the session whose snapshots are listed, or snapshot_not_found', async () => {
    const api = await startEmulator(transport);
    const [one, other] = [await createSession(api), await createSession(api)];
    const mine = (await one.snapshot()).body as Snapshot;
    const foreign = (await other.snapshot()).body as Snapshot;
    const list = (id: string) => api.get(`${one.path}/snapshots?after=${id}`);
    expect((await list(mine.id)).status).toBe(200);
    expectRefusal(await list(foreign.id), 'snapshot_not_found', 'after');
    expect((await api.get(`/v1/snapshots?after=${foreign.id}`)).status).toBe(200);
  });

  it('is a message that a search finds, or message_not_found', async () => {
    const session = await startSession(transport);
    const contents = ['red apple', 'green pear', 'red cherry'];
    const { body } = await session.append({ messages: contents.map((content) => ({ role: 'user', content })) });
    const [apple = '', pear = ''] = (body as SessionAppend).data.map(({ id }) => id);
    const { body: snapshot } = await session.snapshot();
    const search = (after: string) =>
      session.api.get<{ data: { content: string }[] }>(
        `/v1/snapshots/${(snapshot as Snapshot).id}/messages?query=red&order=asc&after=${after}`,
      );
    expect((await search(apple)).body.data.map(({ content }) => content)).toEqual(['red cherry']);
    expectRefusal(await search(pear), 'message_not_found', 'after');
  });
});
