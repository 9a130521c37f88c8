import { expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { type PROVOKED, provoke, SMALL_LIMITS } from '../support/provoked.ts';
import { createSession, result, sized, startSession } from '../support/session.ts';
import { hintOf } from './hinted.ts';

/** What is true of the refusal just made and of nothing else. */
const SAYS: Partial<Record<keyof typeof PROVOKED, RegExp[]>> = {
  invalid_request: [/preserve_len is missing; the body has preserve_length/],
  context_window_exceeded: [
    /holds 780 of 1,000 tokens, this adds 300: 80 too many/,
    /never cut since request #1 .*in 2 writes and turns/,
  ],
  append_too_large: [/of the 450 tokens of this write 50 are too many/, /x-ndjson/],
  preserve_len_too_small: [/preserve_len 64 or more/],
  session_limit_reached: [
    /2 that were created and not deleted, the oldest sess_\w+ by request #1 \(createSession, 2 requests ago\)/,
  ],
  snapshot_limit_reached: [/holds 1 snapshots/, /snap_\w+ by request #2 \(createSnapshot, the request before\)/],
  snapshot_mismatch: [
    /snap_\w+ was taken of another session by request #3/,
    /POST \/v1\/sessions \{"snapshot_id":"snap_\w+"\}/,
  ],
  compress_infeasible: [/pinned messages .* are never summarised/],
  tool_result_orphan: [/nothing that the journal knows issued call functions\.x:0/],
  tool_call_unanswered: [/call functions\.x:0, issued by request #2 \(appendMessages, the request before\),/],
  body_too_large: [/x-ndjson/, /body_bytes=N allows more than 8192/],
  content_empty: [/messages\[1\] has no text/],
  assistant_empty: [/messages\[1\] has neither text nor tool_calls/],
  role_unsupported: [/messages\[0\]\.role is "developer"; roles are system, user, assistant, tool: send it as system/],
  stop_too_long: [/stop has 6 strings: send at most 5/],
  function_name_duplicated: [/two tools are named look_up/],
  sampling_fixed: [/leave temperature out: this model samples with 1 /],
  thinking_fixed: [/leave thinking out/],
  reasoning_missing: [/messages\[1\] has tool_calls and no reasoning_content/],
  tool_choice_while_thinking: [/tool_choice auto/],
  parameters_not_object: [/the parameters of look_up need "type": "object"/],
  schema_refused: [/in the schema of look_up: add the type of the values beside enum; kimi-emulator tools check/],
  tokenization_failed: [/messages\[0\] brings tools/],
  file_purpose_invalid: [/the purpose is assistants: send one of file-extract, image, video, batch/],
  file_too_large: [/a file takes at most 4,096 bytes \(file_bytes\)/],
  file_empty: [/the field file came with no bytes/],
  files_limit_reached: [/this account may hold 1 files \(files\)/],
  tool_results_missing: [/call functions\.read:158 has no tool message before messages\[2\] follows/],
  tool_call_id_not_found: [/messages\[1\] answers call functions\.look:7/],
};
/** Rows that only a fault or a script brings about. */
const ON_DEMAND: ErrorCode[] = ['content_filter', 'api_version_missing'];

it('every 400 of the error table has a hint', () => {
  const rows = Object.entries(ERRORS).filter(([, row]) => row.status === 400);
  expect([...Object.keys(SAYS), ...ON_DEMAND].toSorted()).toEqual(rows.map(([code]) => code).toSorted());
});

for (const transport of TRANSPORTS) {
  it.each(Object.entries(SAYS) as [keyof typeof SAYS, RegExp[]][])(
    `${transport}: %s comes with what led to it`,
    async (code, says) => {
      const { api, reply } = await provoke(transport, code);
      expect(reply.status, reply.text).toBe(400);
      expect(api.emulator.journal.entries().at(-1)).toMatchObject({ code, hint: hintOf(reply) });
      for (const part of says) expect(hintOf(reply)).toMatch(part);
    },
  );

  it(`${transport}: preserve_len_too_small names the pin that takes the room`, async () => {
    const session = await startSession(transport, { limits: SMALL_LIMITS });
    await session.append({ ...sized(100), pinned: true });
    await session.append(sized(20));
    const hint = hintOf(await session.truncate(64));
    expect(hint).toMatch(/preserve_len 1\d\d or more/);
    expect(hint).toContain('pinned');
  });
}

it('a hint says that the same request was refused before', async () => {
  const api = await startEmulator('in process');
  const session = await createSession(api);
  expect(hintOf(await session.truncate(1))).not.toContain('the same answer');
  expect(hintOf(await session.truncate(1))).toContain('request #2 (truncateSession, the request before) was the same');
  expect(hintOf(await session.truncate(2))).not.toContain('the same answer');
  const other = await createSession(api);
  expect(hintOf(await other.truncate(1))).not.toContain('the same answer');
});

it('hints are sent without a journal, too', async () => {
  const api = await startEmulator('in process', { journal: { entries: 0 } });
  const session = await createSession(api);
  expect(hintOf(await session.truncate(1))).toContain('preserve_len 4,096 or more');
  expect(hintOf(await session.append(result('functions.x:0')))).toContain('functions.x:0');
});

it('hints escape characters outside ASCII and shorten long values', async () => {
  const api = await startEmulator('in process');
  const session = await createSession(api);
  expect(hintOf(await session.append(result('査問')))).toContain('\\u67fb\\u554f');
  const long = hintOf(await session.append(result('査'.repeat(5_000))));
  expect(long.length).toBeLessThanOrEqual(500);
});
