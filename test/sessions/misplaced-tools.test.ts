import { describe, expect, it } from 'vitest';
import { asRefusal, lines, stream } from '../routes/ndjson.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, expectRefusal, O200K, tool } from '../support/session.ts';

const user = { role: 'user', content: 'hi' };
const withTools = (role: string) => ({ role, content: 'ok', tools: [tool('look')] });

describe.each(TRANSPORTS)('tools in a message that is not a system message %s', (transport) => {
  const start = () => startEmulator(transport, { tokenizer: O200K });

  it.each(['user', 'assistant'])('are refused in a session as in chat: %s', async (role) => {
    const api = await start();
    const messages = [user, withTools(role)];
    const field = 'messages[1].tools';
    const created = await api.post('/v1/sessions', { model: 'kimi-k3', messages });
    expect(expectRefusal(created, 'invalid_request', field).message).toContain('only a system message brings tools');
    const session = await createSession(api, { model: 'kimi-k3' });
    expectRefusal(await session.append({ messages } as never), 'invalid_request', field);
    expectRefusal(await session.append(withTools(role) as never), 'invalid_request', 'messages[0].tools');
    const streamed = asRefusal(await stream(session, lines(withTools(role))));
    expectRefusal(streamed, 'invalid_request', 'messages[0].tools');
    expect(await session.messages()).toEqual([]);
  });

  it('are ignored by models that take no tools from messages, and named', async () => {
    const api = await start();
    const session = await createSession(api, { model: 'kimi-k2.6' });
    const { status, headers } = await session.append(withTools('user') as never);
    expect(status).toBe(200);
    expect(headers.get('kimi-emulator-ignored')).toContain('messages[0].tools');
  });
});
