import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import { called, createSession, expectRefusal, result, sized, startSession } from '../support/session.ts';

const limits = { min_preserve_tokens: 16 };
const pinned = (message: object) => ({ ...message, pinned: true }) as ReturnType<typeof sized>;

describe.each(TRANSPORTS)('a pin %s', (transport) => {
  it('is given to leading system messages, and to no others', async () => {
    const messages = [sized(10, 'system'), sized(11, 'system'), sized(12), sized(13, 'system')];
    const session = await startSession(transport, { limits }, { messages });
    expect((await session.messages()).map((message) => message.pinned)).toEqual([true, true, false, false]);
    const later = await createSession(session.api);
    await later.append(sized(10, 'system'));
    await later.append(sized(11, 'system'));
    await later.append(sized(12, 'assistant'));
    await later.append(sized(13, 'system'));
    expect((await later.messages()).map((message) => message.pinned)).toEqual([true, true, false, false]);
  });

  it('can be asked for, and declined, as the message is written', async () => {
    const declined = { ...sized(10, 'system'), pinned: false };
    const messages = [declined, sized(11, 'system'), pinned(sized(12))];
    const session = await startSession(transport, { limits }, { messages });
    // Behind a system message that is not pinned, nothing leads.
    expect((await session.messages()).map((message) => message.pinned)).toEqual([false, false, true]);
  });

  it('is decided when the message is written, and does not follow from what is cut later', async () => {
    const messages = [sized(10, 'system'), sized(40), sized(13, 'system')];
    const session = await startSession(transport, { limits }, { messages });
    await session.truncate(23);
    expect((await session.messages()).map((message) => message.pinned)).toEqual([true, false]);
    await session.append(sized(14, 'system'));
    expect((await session.messages()).map((message) => message.pinned)).toEqual([true, false, false]);
  });

  it('can be given and taken later, which changes no other message', async () => {
    const session = await startSession(transport, { limits }, { messages: [sized(40), sized(30), sized(20)] });
    const [first, second, third] = await session.messages();
    const given = await session.post(`/messages/${first?.id}`, { pinned: true });
    expect(given.body).toEqual({ ...first, pinned: true });
    expect(await session.messages()).toEqual([{ ...first, pinned: true }, second, third]);
    expect((await session.truncate(60)).status).toBe(200);
    expect(await session.messages()).toEqual([{ ...first, pinned: true }, third]);
    const taken = await session.post(`/messages/${first?.id}`, { pinned: false });
    expect(taken.body).toEqual(first);
    await session.truncate(59);
    expect(await session.messages()).toEqual([third]);
  });

  it('on any member holds the whole group, also one that is still being answered', async () => {
    const session = await startSession(transport, { limits }, { messages: [called('a', 'b'), result('a')] });
    await session.append(pinned(result('b')));
    const group = await session.messages();
    await session.append({ messages: [sized(40), sized(20)] });
    await session.truncate(20 + group.reduce((sum, { tokens }) => sum + tokens, 0));
    expect((await session.messages()).slice(0, 3)).toEqual(group);
    expect(group.map((message) => message.pinned)).toEqual([false, false, true]);
    await session.post(`/messages/${group[2]?.id}`, { pinned: false });
    await session.truncate(20);
    expect(await session.messages()).toHaveLength(1);
  });

  it('stays with a group while another of its members loses one', async () => {
    const messages = [pinned(called('a')), pinned(result('a')), sized(40), sized(20)];
    const session = await startSession(transport, { limits }, { messages });
    const [call, answer, , last] = await session.messages();
    await session.post(`/messages/${answer?.id}`, { pinned: false });
    await session.truncate(20 + (call?.tokens ?? 0) + (answer?.tokens ?? 0));
    expect(await session.messages()).toEqual([call, { ...answer, pinned: false }, last]);
  });

  it('leaves snapshots taken before as they were', async () => {
    const session = await startSession(transport, { limits }, { messages: [sized(40), sized(20)] });
    const before = await session.messages();
    const snapshot = (await session.snapshot()).body.id;
    await session.post(`/messages/${before[0]?.id}`, { pinned: true });
    await session.rollback(snapshot);
    expect(await session.messages()).toEqual(before);
  });

  it('needs a message of the window, and a yes or no', async () => {
    const session = await startSession(transport, { limits }, { messages: [sized(40), sized(20)] });
    const other = await createSession(session.api, { messages: [sized(20)] });
    const [gone, kept] = await session.messages();
    await session.truncate(20);
    for (const id of ['msg_none', gone?.id, (await other.messages())[0]?.id, session.id, '%00']) {
      expectRefusal(await session.post(`/messages/${id}`, { pinned: true }), 'message_not_found');
    }
    for (const body of [{}, { pinned: 'yes' }, { pinned: null }, { pinned: 1 }]) {
      expectRefusal(await session.post(`/messages/${kept?.id}`, body), 'invalid_request', 'pinned');
    }
  });
});
