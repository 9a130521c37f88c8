import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess } from '../../core/expect.ts';
import { costOfChats, refusalIn, sendChat } from '../../wire/chat.ts';
import type { WireRuleId } from '../rules.ts';
import { BUDGET, type RowTable } from './rows.ts';

/** A table of requests to a model, judged outside of sessions and in them. @param turns the rule of those in sessions */
export function rowCases(area: string, table: RowTable, turns: WireRuleId): Case[] {
  return [rowsCase(area, table), turnRowsCase(area, table, turns)];
}

/** One check for each row, streamed and not. */
function rowsCase(area: string, { name, title, rows, rule }: RowTable): Case {
  const checks = Object.keys(rows).flatMap((row): [string, WireRuleId][] => [
    [row, rule(row)],
    [`${row}-streamed`, rule(row)],
  ]);
  return defineCase<string>({
    id: `${area}.${name}`,
    title,
    needs: ['chat', 'chat.stream', 'chat.tools'],
    checks: Object.fromEntries(checks),
    cost: costOfChats(checks.length, { completionTokens: checks.length * BUDGET }),
    async run({ check }, context) {
      for (const [row, { body, refused }] of Object.entries(rows)) {
        for (const [suffix, mode] of [
          ['', {}],
          ['-streamed', { stream: true }],
        ] as const) {
          await check(`${row}${suffix}`, async () => {
            const reply = await sendChat(context, { ...body, ...mode });
            if (refused === undefined) return void expectSuccess(reply);
            const text = expectError(reply, 'invalid_request', { bare: true });
            if (refused !== true) expectEqual(text, refused, 'the message');
          });
        }
      }
    },
  });
}

/** The same rows as turns: each in a session of its own, as its messages stay there. */
function turnRowsCase(area: string, { name, title, rows }: RowTable, rule: WireRuleId): Case {
  const checks = Object.keys(rows).flatMap((row) => [row, `${row}-streamed`]);
  return defineCase<string>({
    id: `${area}.${name}-in-session`,
    title: `${title}, in a session`,
    needs: ['sessions', 'chat', 'chat.stream', 'chat.tools'],
    checks: Object.fromEntries(checks.map((check): [string, WireRuleId] => [check, rule])),
    cost: costOfChats(checks.length, {
      requests: 6 * checks.length,
      completionTokens: checks.length * BUDGET,
    }),
    async run({ api, check }, context) {
      for (const [row, { body, refused }] of Object.entries(rows)) {
        for (const [suffix, mode] of [
          ['', {}],
          ['-streamed', { stream: true }],
        ] as const) {
          await check(`${row}${suffix}`, async () => {
            const { id } = await api.createSession();
            const before = await api.stateOf(id);
            const reply = await sendChat(context, { ...body, ...mode, session_id: id });
            if (refused === undefined) expectSuccess(reply);
            else {
              const outside = refusalIn(await sendChat(context, { ...body, ...mode }));
              expectEqual([reply.status, ...refusalIn(reply)], [400, ...outside], 'status, type and message');
              await api.expectUnchanged(before);
            }
            expectSuccess(await api.delete(`/sessions/${id}`));
          });
        }
      }
    },
  });
}
