import { beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { saying } from '../support/held-model.ts';
import {
  called,
  createSession,
  result,
  type SessionUnderTest,
  sized,
  startSession,
  tool,
  words,
} from '../support/session.ts';
import { hintOf } from './hinted.ts';

const CALL = 'functions.x:0';
const LIMITS = { min_preserve_tokens: 64 };
let session: SessionUnderTest;

beforeEach(async () => {
  session = await startSession('in process', { limits: LIMITS });
});

async function answered(): Promise<void> {
  await session.append(called(CALL));
  await session.append(result(CALL));
}

async function hintOfResult(): Promise<string> {
  return hintOf(await session.append(result(CALL)));
}

describe('a result without its call', () => {
  it('was answered already', async () => {
    await answered();
    expect(await hintOfResult()).toContain(
      `call ${CALL} was answered already, by request #3 (appendMessages, the request before)`,
    );
  });

  it('was answered and cut away', async () => {
    await answered();
    await session.append(sized(100));
    await session.truncate(110);
    await session.append(sized(10));
    expect(await hintOfResult()).toMatch(
      /answers call functions\.x:0, answered by request #3 .* and since cut away by request #5 \(truncateSession, 2 requests ago\)/,
    );
  });

  it('is not called cut away where the cut left it', async () => {
    await session.append(sized(100));
    await answered();
    await session.truncate(64);
    expect(await hintOfResult()).toContain('answered already, by request #4');
  });

  it('was taken back by a rollback', async () => {
    const { body } = await session.snapshot();
    await session.append(called(CALL));
    await session.rollback((body as Snapshot).id);
    expect(await hintOfResult()).toMatch(
      /issued by request #3 .* and taken back by request #4 \(rollbackSession, the request before\)/,
    );
  });

  it('was answered before what a rollback brought back', async () => {
    await answered();
    const { body } = await session.snapshot();
    await session.append(sized(10));
    await session.rollback((body as Snapshot).id);
    expect(await hintOfResult()).toContain(`call ${CALL} was answered already, by request #3`);
  });

  it('waits again after a rollback to where it did', async () => {
    await session.append(called(CALL));
    const { body } = await session.snapshot();
    await session.append(result(CALL));
    await session.rollback((body as Snapshot).id);
    expect((await session.append(result(CALL))).status).toBe(200);
  });

  it('went into a summary', async () => {
    await answered();
    for (let write = 0; write < 4; write += 1)
      await session.append({ role: 'user', content: `${words(300)} ${write}` });
    expect((await session.compress({ ratio: 2 })).status).toBe(200);
    expect(await hintOfResult()).toMatch(/put into a summary by request #8/);
  });

  it('belongs to another session', async () => {
    const other = await createSession(session.api);
    await other.append(called(CALL));
    expect(await hintOfResult()).toContain(
      `this session has issued no call ${CALL}, and session ${other.id} waits for a result of that id, since request #3`,
    );
  });

  it('is told what waits instead', async () => {
    await session.append(called('functions.y:4'));
    expect(await hintOfResult()).toContain('what waits now: functions.y:4');
  });

  it('is found in a fork', async () => {
    await session.append(called(CALL));
    const { body } = await session.snapshot();
    const fork = await createSession(session.api, { snapshot_id: (body as Snapshot).id });
    await fork.append(result(CALL));
    expect(hintOf(await fork.append(result(CALL)))).toContain('answered already, by request #5');
  });
});

it('the hint for a call cut off by max_tokens says that it was not stored', async () => {
  const model = saying({ type: 'tool_call', name: 'look', arguments: JSON.stringify({ text: words(100) }) });
  const turning = await startSession('in process', { model }, { tools: [tool('look')] });
  const { body } = await turning.chat([sized(20)], { max_tokens: 30 });
  expect(JSON.stringify(body)).toContain('"finish_reason":"length"');
  expect(hintOf(await turning.append(result('functions.look:0')))).toMatch(
    /answers call functions\.look:0, which request #2 .* delivered cut off by its max_tokens/,
  );
});

it('the hint for an unanswered call names the turn that issued it', async () => {
  const model = saying({ type: 'tool_call', name: 'look', arguments: '{}' });
  const turning = await startSession('in process', { model }, { tools: [tool('look')] });
  await turning.chat([sized(20)]);
  expect(hintOf(await turning.append(sized(20)))).toContain(
    'call functions.look:0, issued by request #2 (createChatCompletion, the request before), waits for its result',
  );
});

it('hints ignore everything before a reset, even for a session with the same id', async () => {
  const seeded = await startSession('in process', { seed: 'harbour' });
  seeded.api.emulator.state.reset();
  const before = await createSession(seeded.api);
  await before.append(called(CALL));
  await before.append(result(CALL));
  seeded.api.emulator.state.reset();
  const anew = await createSession(seeded.api);
  expect(anew.id).toBe(before.id);
  expect(hintOf(await anew.append(result(CALL)))).toContain('nothing that the journal knows issued');
});
