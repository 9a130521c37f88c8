import { expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { type Api, MODEL, type Reply, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { called, createSession, O200K, result, sized } from '../support/session.ts';
import { hintOf } from './hinted.ts';

const LIMITS = {
  sessions: 2,
  snapshots: 1,
  append_tokens: 400,
  min_preserve_tokens: 64,
  window_tokens: 1_000,
  body_bytes: 8_192,
  max_tokens: 16,
};

interface Case {
  make(api: Api): Promise<Reply<unknown>>;
  /** What is true of the refusal just made and of nothing else. */
  says: RegExp[];
}

const CASES: Record<string, Case> = {
  invalid_request: {
    make: async (api) => (await createSession(api)).post('/truncate', { preserve_length: 100 }),
    says: [/preserve_len is missing; the body has preserve_length/],
  },
  context_window_exceeded: {
    async make(api) {
      const session = await createSession(api);
      for (let write = 0; write < 2; write += 1) await session.append(sized(390));
      return session.append(sized(300));
    },
    says: [/holds 780 of 1,000 tokens, this adds 300: 80 too many/, /never cut since request #1 .*in 2 writes/],
  },
  append_too_large: {
    make: async (api) => (await createSession(api)).append({ messages: [sized(300), sized(150)] }),
    says: [/of the 450 tokens of this write 50 are too many/, /x-ndjson/],
  },
  preserve_len_too_small: {
    async make(api) {
      const session = await createSession(api);
      await session.append({ ...sized(100), pinned: true });
      await session.append(sized(20));
      return session.truncate(64);
    },
    says: [/preserve_len 1\d\d or more/, /pinned/],
  },
  session_limit_reached: {
    async make(api) {
      await createSession(api);
      await createSession(api);
      return api.post('/v1/sessions');
    },
    says: [/2 that were made and not deleted, the oldest sess_\w+ by request #1 \(createSession, 2 requests ago\)/],
  },
  snapshot_limit_reached: {
    async make(api) {
      const session = await createSession(api);
      await session.snapshot();
      return session.snapshot();
    },
    says: [/holds 1 snapshots/, /snap_\w+ by request #2 \(createSnapshot, the request before\)/],
  },
  snapshot_mismatch: {
    async make(api) {
      const [one, other] = [await createSession(api), await createSession(api)];
      const { body } = await one.snapshot();
      return other.rollback((body as Snapshot).id);
    },
    says: [/snap_\w+ was taken of another session by request #3/, /POST \/v1\/sessions \{"snapshot_id":"snap_\w+"\}/],
  },
  compress_infeasible: {
    async make(api) {
      const session = await createSession(api);
      await session.append({ ...sized(200), pinned: true });
      await session.append(sized(100));
      return session.compress({ ratio: 20 });
    },
    says: [/pinned messages .* are never summarised/],
  },
  tool_result_orphan: {
    make: async (api) => (await createSession(api)).append(result('functions.x:0')),
    says: [/nothing that the journal knows issued call functions\.x:0/],
  },
  tool_call_unanswered: {
    async make(api) {
      const session = await createSession(api);
      await session.append(called('functions.x:0'));
      return session.append(sized(10));
    },
    says: [/call functions\.x:0, issued by request #2 \(appendMessages, the request before\),/],
  },
  body_too_large: {
    make: async (api) => (await createSession(api)).append({ role: 'user', content: 'x'.repeat(9_000) }),
    says: [/x-ndjson/, /body_bytes=N allows more than 8192/],
  },
  content_empty: {
    make: (api) => chat(api, [sized(10), { role: 'user', content: '' }]),
    says: [/messages\[1\] has no text/],
  },
  tool_call_id_not_found: {
    make: (api) => chat(api, [sized(10), result('call-7')]),
    says: [/messages\[1\] answers call call-7/],
  },
};
/** Rows that only a fault or a script brings about. */
const ON_DEMAND: ErrorCode[] = ['content_filter'];

function chat(api: Api, messages: unknown[]) {
  return api.post('/v1/chat/completions', { model: MODEL, messages });
}

it('is shown for every row of the table that is a 400', () => {
  const rows = Object.entries(ERRORS).filter(([, row]) => row.status === 400);
  expect([...Object.keys(CASES), ...ON_DEMAND].toSorted()).toEqual(rows.map(([code]) => code).toSorted());
});

for (const transport of TRANSPORTS) {
  it.each(Object.entries(CASES))(`${transport}: %s comes with what led to it`, async (code, { make, says }) => {
    const api = await startEmulator(transport, { tokenizer: O200K, limits: LIMITS });
    const reply = await make(api);
    expect(reply.status, reply.text).toBe(400);
    expect(api.emulator.journal.entries().at(-1)).toMatchObject({ code, hint: hintOf(reply) });
    for (const part of says) expect(hintOf(reply)).toMatch(part);
  });
}

it('says so where the same was refused before', async () => {
  const api = await startEmulator('in process');
  const session = await createSession(api);
  expect(hintOf(await session.truncate(1))).not.toContain('the same answer');
  expect(hintOf(await session.truncate(1))).toContain('request #2 (truncateSession, the request before) was the same');
  expect(hintOf(await session.truncate(2))).not.toContain('the same answer');
  const other = await createSession(api);
  expect(hintOf(await other.truncate(1))).not.toContain('the same answer');
});

it('is there where no journal is kept', async () => {
  const api = await startEmulator('in process', { journal: { entries: 0 } });
  const session = await createSession(api);
  expect(hintOf(await session.truncate(1))).toContain('preserve_len 4,096 or more');
  expect(hintOf(await session.append(result('functions.x:0')))).toContain('functions.x:0');
});

it('escapes what is no ASCII and shortens what is long', async () => {
  const api = await startEmulator('in process');
  const session = await createSession(api);
  expect(hintOf(await session.append(result('査問')))).toContain('\\u67fb\\u554f');
  const long = hintOf(await session.append(result('査'.repeat(5_000))));
  expect(long.length).toBeLessThanOrEqual(500);
});
