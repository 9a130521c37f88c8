import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectTrue } from '../../core/expect.ts';
import { TURN_MODES, turnAs } from '../../tables/turns.ts';
import { user } from '../../wire/sessions.ts';
import { rowCases } from '../k3/row-cases.ts';
import { BUDGET } from '../k3/rows.ts';
import type { WireRuleId } from '../rules.ts';
import { ROW_TABLES } from './rows.ts';

/** What K2.6 thinks, says and counts of it, in turns of every kind. */
const thoughts = defineCase<string>({
  id: 'k26.thoughts',
  title: 'what the model thinks in a turn is said, counted and stored',
  needs: ['sessions', 'chat', 'chat.stream'],
  checks: Object.fromEntries(
    TURN_MODES.flatMap(({ name }): [string, WireRuleId][] => [
      [`said-${name}`, 'k26.reasoning-stored'],
      [`counted-${name}`, 'k26.reasoning-stored'],
      [`none-${name}`, 'k26.reasoning-stored'],
    ]),
  ),
  cost: () => ({ requests: 40, promptTokens: 4_096, completionTokens: 6 * BUDGET }),
  async run(context) {
    const { api, check } = context;
    const { id } = await api.createSession();
    for (const mode of TURN_MODES) {
      const asked = async (type: string) => {
        const more = { max_tokens: BUDGET, thinking: { type } };
        const { reasoning, usage } = await turnAs(mode, context, id, [user('Reply with the word OK only.')], more);
        const stored = (await api.windowOf(id)).at(-1) as { reasoning_content?: string } | undefined;
        return { reasoning, stored: stored?.reasoning_content ?? '', usage };
      };
      const { reasoning, stored, usage } = await asked('enabled');
      await check(`said-${mode.name}`, () => {
        expectTrue(stored !== '', 'the stored answer has reasoning');
        expectEqual(reasoning, stored, 'the reasoning that is answered, against what is stored');
      });
      await check(`counted-${mode.name}`, () => {
        const { reasoning_tokens: tokens = 0 } = usage.completion_tokens_details ?? {};
        const within = tokens > 1 && tokens < usage.completion_tokens;
        expectTrue(within, `${tokens} of ${usage.completion_tokens} tokens are reasoning`);
      });
      await check(`none-${mode.name}`, async () => {
        const { reasoning: said, stored: kept } = await asked('disabled');
        expectEqual([said, kept], ['', ''], 'the reasoning of an answer without thinking');
      });
    }
  },
});

export const K26_CASES: readonly Case[] = [
  ...ROW_TABLES.flatMap((table) => rowCases('k26', table, 'k26.turns')),
  thoughts,
];
