import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { sized, startSession } from '../support/session.ts';
import { hintOf } from './hinted.ts';

describe.each(TRANSPORTS)('%s', (transport) => {
  it('names the turn that holds a session, and the request that holds a key', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const turn = session.chat([sized(10)], {}, call);
    const asked = await model.asked();
    expect(hintOf(await session.append(sized(10)))).toContain(
      'request #2 (createChatCompletion, the request before) still runs in this session',
    );
    expect(hintOf(await session.chat([sized(10)], {}, call))).toContain(
      'request #2 (createChatCompletion, 2 requests ago) has the same Idempotency-Key',
    );
    asked.end();
    await turn;
  });

  it('names the change that came in between', async () => {
    const session = await startSession(transport);
    await session.append(sized(10));
    await session.show();
    const reply = await session.append(sized(10), { 'If-Match': '"1"' });
    expect(reply.status).toBe(409);
    expect(hintOf(reply)).toContain('request #2 (appendMessages, 2 requests ago) left the session at version 2');
    expect(hintOf(await session.append(sized(10), { 'If-Match': '1' }))).toContain('answered as "2"');
  });

  it('names the request that used the key', async () => {
    const session = await startSession(transport);
    await session.append(sized(10), { 'Idempotency-Key': 'one' });
    expect(hintOf(await session.append(sized(20), { 'Idempotency-Key': 'one' }))).toContain(
      'request #2 (appendMessages, the request before) used the key one',
    );
  });
});
