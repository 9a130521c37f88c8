import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { HeldModel } from '../support/held-model.ts';
import { everyItem, startSession } from '../support/session.ts';

const MESSAGES = 6_000;
/** More than everything else together takes on the way of a request. */
const LEAST_TURNS = 10;

/** How often the event loop comes round, for everybody else, before `work` is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let done = false;
  void work.then(() => {
    done = true;
  });
  let turns = 0;
  for (; !done; turns += 1) await nextTick();
  return turns;
}

it('a window of thousands of messages is read in slices, whole and in order', async () => {
  const model = new HeldModel();
  const session = await startSession('in process', { model, limits: { append_tokens: 100_000 } });
  for (let from = 0; from < MESSAGES; from += 2_000) {
    const messages = Array.from({ length: 2_000 }, (_, index) => ({
      role: 'user' as const,
      content: `${from + index}`,
    }));
    await session.append({ messages });
  }
  const turn = session.chat([]);
  const asking = model.asked();
  expect(await turnsDuring(asking)).toBeGreaterThan(LEAST_TURNS);
  const asked = await asking;
  expect(asked.request.messages.map(({ content }) => Number(content))).toEqual(
    Array.from({ length: MESSAGES }, (_, i) => i),
  );
  asked.end();
  await turn;

  const { id } = (await session.snapshot()).body;
  const found = everyItem<Snapshot>(session.api, `/v1/snapshots/${id}/messages?query=absent`);
  expect(await turnsDuring(found)).toBeGreaterThan(LEAST_TURNS);
  expect(await found).toEqual([]);
  expect(await turnsDuring(session.compress())).toBeGreaterThan(LEAST_TURNS);
});
