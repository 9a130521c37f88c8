import fc from 'fast-check';
import { expect } from 'vitest';
import type { SessionCompression, SessionTruncation } from '../../../contract/sessions.ts';
import { messageTokens } from '../../../emulator/engines/tokens/prompt.ts';
import { onSession, place, preserve, resolve } from '../command.ts';
import { keepWithin, newestWithin } from '../cut.ts';
import { expectRefusal, expectSession, toBody } from '../expectations.ts';
import {
  type Content,
  groupsOf,
  isHeld,
  type Message,
  openCalls,
  type SessionState,
  type State,
  tokensOf,
  totalOf,
} from '../state.ts';
import { LIMITS, type World } from '../world.ts';
import { hasNoRoom, kept } from './snapshots.ts';

/** Contract: with fewer replaceable tokens compress changes nothing. */
const WORTH_A_SUMMARY = 64;

const truncate = fc.record({ session: place, asked: preserve, dry_run: fc.boolean(), stale: fc.nat(9) }).map((values) =>
  onSession(values, 'truncate', async (session, state, world) => {
    const { content } = session;
    const preserve_len = resolve(values.asked, content);
    const path = `/v1/sessions/${session.id}/truncate`;
    const headers = { 'If-Match': `"${session.version - (values.stale === 0 ? 1 : 0)}"` };
    const body = { preserve_len, dry_run: values.dry_run };
    const reply = await world.api.post<SessionTruncation>(path, body, { key: session.account, headers });
    if (values.stale === 0) return expectRefusal(world, state, reply as never, 'version_conflict');
    const next = kept(world, content, preserve_len);
    if (typeof next === 'string') {
      await expectRefusal(world, state, reply as never, next);
      return expectLeast(world, session, reply.text, preserve_len);
    }
    expect(reply.body).toMatchObject({
      removed: {
        messages: content.messages.length - next.messages.length,
        tokens: totalOf(content) - totalOf(next),
      },
      before: { total_tokens: totalOf(content) },
      after: { total_tokens: totalOf(next) },
      dry_run: values.dry_run,
    });
    if (values.dry_run) return expectSession(world, session);
    if (next !== content && totalOf(next) !== totalOf(content)) session.version += 1;
    session.content = next;
    await expectSession(world, session);
    const again = await world.api.post<SessionTruncation>(path, { preserve_len }, { key: session.account });
    expect(again.body).toMatchObject({ removed: { messages: 0, tokens: 0 }, version: session.version });
  }),
);

/** The least value that a refusal names is the least that is taken. */
function expectLeast(world: World, session: SessionState, text: string, asked: number): void {
  const least = Number(/at least (\d+)/.exec(text)?.[1]);
  if (asked < LIMITS.min_preserve_tokens) expect(least).toBe(LIMITS.min_preserve_tokens);
  else expect(keepWithin(world.tokenizer, session.content, asked)).toEqual({ least });
}

const compress = fc
  .record({
    session: place,
    ratio: fc.constantFrom(1.2, 2, 3, 4, 8),
    format: fc.constantFrom('outline', 'json', 'text'),
    asked: fc.option(preserve, { nil: undefined }),
    dry_run: fc.nat(3).map((value) => value === 0),
  })
  .map((values) =>
    onSession(values, 'compress', async (session, state, world) => {
      const { content } = session;
      const preserve_len = values.asked === undefined ? undefined : resolve(values.asked, content);
      const { ratio, format, dry_run } = values;
      const path = `/v1/sessions/${session.id}/compress`;
      const body = { ratio, format, preserve_len, dry_run };
      const reply = await world.api.post<SessionCompression>(path, body, { key: session.account });
      const fault =
        preserve_len !== undefined && preserve_len < LIMITS.min_preserve_tokens ? 'preserve_len_too_small' : undefined;
      if (fault) return expectRefusal(world, state, reply as never, fault);
      if (openCalls(content.messages).length > 0) {
        return expectRefusal(world, state, reply as never, 'tool_call_unanswered');
      }
      const parts = divide(content, preserve_len);
      if (tokensOf(parts.replaced) < WORTH_A_SUMMARY) {
        expect(reply.body).toMatchObject({
          ratio: { achieved: 1 },
          summary: null,
          snapshot_id: null,
          version: session.version,
        });
        return expectSession(world, session);
      }
      // How small a summary can be made is the summary's business; whether it may be refused is not.
      const budget = Math.floor(totalOf(content) / ratio);
      if (reply.status === 400 && reply.text.includes('compress_infeasible')) return expectSession(world, session);
      expect(content.toolsTokens + tokensOf(parts.leading) + tokensOf(parts.kept) + 5).toBeLessThanOrEqual(budget);
      if (!dry_run && hasNoRoom(state, session.account)) {
        return expectRefusal(world, state, reply as never, 'snapshot_limit_reached');
      }
      expect(reply.body.after.total_tokens).toBeLessThanOrEqual(budget);
      if (dry_run) return expectSession(world, session);
      compressed(state, session, reply.body, parts);
      const { summary } = reply.body;
      expect(summary && messageTokens(world.tokenizer, toBody(summary))).toBe(summary?.tokens);
      await expectSession(world, session);
    }),
  );

interface Parts {
  leading: Message[];
  replaced: Message[];
  kept: Message[];
}

/** What the contract has compress leave alone, and what a summary takes the place of. */
function divide(content: Content, preserveLen: number | undefined): Parts {
  const held = new Set(groupsOf(content.messages).filter(isHeld).flat());
  const newest = new Set(preserveLen === undefined ? [] : newestWithin(content, preserveLen));
  const border = content.messages.findIndex((message) => !held.has(message) || message.body.role !== 'system');
  const leading = border === -1 ? content.messages : content.messages.slice(0, border);
  const rest = content.messages.slice(leading.length);
  const stays = (message: Message) => held.has(message) || newest.has(message);
  return { leading, replaced: rest.filter((message) => !stays(message)), kept: rest.filter(stays) };
}

function compressed(
  state: State,
  session: SessionState,
  answer: SessionCompression,
  { leading, kept: rest }: Parts,
): void {
  const { summary, snapshot_id } = answer;
  if (!summary || snapshot_id === null) throw new Error('compressed without a summary or a snapshot');
  expect(summary).toMatchObject({ role: 'system', summary: true, pinned: false });
  const { id, account, content } = session;
  state.snapshots.push({
    id: snapshot_id,
    account,
    sessionId: id,
    preserveLen: null,
    archived: content,
    restored: content,
    shareId: null,
  });
  state.groups += 1;
  const message: Message = {
    id: summary.id,
    body: toBody(summary),
    tokens: summary.tokens,
    pinned: false,
    truncated: false,
    summary: true,
    group: state.groups,
  };
  session.version += 1;
  session.content = { ...content, messages: [...leading, message, ...rest] };
}

export const cutSteps = [
  { weight: 6, arbitrary: truncate },
  { weight: 3, arbitrary: compress },
];
