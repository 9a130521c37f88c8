import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startEmulator } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { createSession, O200K, tool } from '../support/session.ts';
import { sumTokens, windows } from './windows.ts';

const limits = { min_preserve_tokens: 16, append_tokens: 100_000, sessions: 100_000, snapshots: 100_000 };

it('compress reduces any window to its budget, or leaves it unchanged', async () => {
  const api = await startEmulator('in process', { tokenizer: O200K, limits });
  const ratio = fc.constantFrom(1.01, 1.5, 2, 4, 10, 64);
  const property = fc.asyncProperty(
    windows(20),
    ratio,
    fc.option(fc.integer({ min: 16, max: 300 })),
    async (messages, asked, keep) => {
      const session = await createSession(api, { messages, tools: [tool('look')] });
      const before = await session.state();
      const held = (await session.messages()).filter((message) => message.pinned);
      const request = { ratio: asked, ...(keep !== null && { preserve_len: keep }) };
      const { status, body } = await session.compress(request);
      if (status !== 200 || body.summary === null) {
        expect(await session.state()).toEqual(before);
        return;
      }
      expect(body.after.total_tokens).toBeLessThanOrEqual(Math.floor(body.before.total_tokens / asked));
      const now = await session.messages();
      expect(body.after.total_tokens).toBe(body.after.tools_tokens + sumTokens(now));
      expect(now.filter((message) => message.pinned)).toEqual(held);
      await session.rollback(body.snapshot_id ?? '');
      expect(await session.messages()).toEqual(before.messages);
    },
  );
  await fc.assert(property, { numRuns: runs(40) });
});
