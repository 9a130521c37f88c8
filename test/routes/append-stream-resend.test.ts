import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import { createSession, expectRefusal, sized, startSession } from '../support/session.ts';
import { asRefusal, lines, read, stream } from './ndjson.ts';

const KEY = { 'Idempotency-Key': 'stream' };

describe.each(TRANSPORTS)('a streamed append sent again %s', (transport) => {
  it('looks at If-Match once, before the first line', async () => {
    const session = await startSession(transport);
    const headers = { 'If-Match': '"1"' };
    expect(read(await stream(session, lines(sized(9), sized(9), sized(9)), headers)).last).toMatchObject({ lines: 3 });
    const before = await session.state();
    expectRefusal(asRefusal(await stream(session, lines(sized(9)), headers)), 'version_conflict');
    expectRefusal(asRefusal(await stream(session, '\n', headers)), 'version_conflict');
    expectRefusal(
      asRefusal(await stream(session, lines(sized(9)), { 'If-Match': '1' })),
      'invalid_request',
      'If-Match',
    );
    expect(await session.state()).toEqual(before);
  });

  it('resent with its key acknowledges what is written, and writes what is not', async () => {
    const session = await startSession(transport);
    const headers = { ...KEY, 'If-Match': '"1"' };
    const first = read(await stream(session, lines(sized(9), sized(10)), headers));
    const again = read(await stream(session, lines(sized(9), sized(10), sized(11)), headers));
    expect(again.acknowledged.slice(0, 2)).toEqual(first.acknowledged);
    expect(again.last).toMatchObject({ done: true, lines: 3, version: 4 });
    expect((await session.messages()).map(({ tokens }) => tokens)).toEqual([9, 10, 11]);
  });

  it('resent with other bytes in a line is a mismatch there', async () => {
    const session = await startSession(transport);
    await stream(session, lines(sized(9), sized(10)), KEY);
    const { acknowledged, last } = read(await stream(session, lines(sized(9), sized(12)), KEY));
    expect(acknowledged).toHaveLength(1);
    expect(last).toMatchObject({ index: 1, error: { code: 'idempotency_mismatch' } });
    const other = await createSession(session.api);
    expectRefusal(asRefusal(await stream(other, lines(sized(9)), KEY)), 'idempotency_mismatch');
    expect(await session.messages()).toHaveLength(2);
  });
});
