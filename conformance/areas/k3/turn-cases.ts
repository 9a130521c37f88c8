import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectTrue } from '../../core/expect.ts';
import { TURN_MODES, type TurnMode, turnAs } from '../../tables/turns.ts';
import { FORECAST_REQUEST } from '../../wire/chat.ts';
import { user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';
import { BUDGET, EFFORT_TOKENS, EFFORTS, THINKING, TOO_LITTLE } from './rows.ts';

/** What thinking, calls and counts are in a session, answered whole and streamed. */

const OFF = { thinking: { type: 'disabled' } };
const ASKING = [user('Reply with the word OK only.')];
const BEGINNING = 'The code word is';
const THOUGHT = ' They want the code word. \n';

function turnsCase(mode: TurnMode): Case {
  const checks: Record<string, WireRuleId> = {
    ...Object.fromEntries(EFFORTS.map((effort) => [`effort-${effort}`, 'k3.turns' as const])),
    'partial-stored': 'k3.turns',
    'partial-alone': 'k3.turns',
    'call-ids': 'k3.turns',
    'reasoning-counted': 'k3.turns',
    'small-budget': 'k3.turns',
  };
  return defineCase<string>({
    id: `k3.turns-${mode.name}`,
    title: `thinking, calls and counts in a session, answered ${mode.name}`,
    needs: ['sessions', 'sessions.append', 'chat', 'chat.tools', 'chat.partial', ...mode.needs],
    checks,
    cost: () => ({ requests: 40, promptTokens: 2_048, completionTokens: 8 * BUDGET }),
    async run(context) {
      const { check } = context;
      const off = (await inNewSession(context, mode, ASKING, OFF)).turn.usage.prompt_tokens;
      for (const effort of EFFORTS) {
        await check(`effort-${effort}`, async () => {
          const { turn } = await inNewSession(context, mode, ASKING, { ...THINKING, reasoning_effort: effort });
          expectEqual(turn.usage.prompt_tokens, off + EFFORT_TOKENS[effort], 'prompt_tokens');
        });
      }
      const started = { role: 'assistant', content: BEGINNING, reasoning_content: THOUGHT, partial: true };
      const partial = await inNewSession(context, mode, [user('The code word is RIVER42. What is it?'), started], OFF);
      await check('partial-alone', () =>
        expectTrue(
          !partial.turn.content.startsWith(BEGINNING),
          `the answer repeats its beginning: ${partial.turn.content}`,
        ),
      );
      await check('partial-stored', () => {
        const { content, reasoning_content } = partial.window.at(-1) as {
          content: unknown;
          reasoning_content?: string;
        };
        expectEqual(
          [partial.window.length, content, reasoning_content],
          [2, BEGINNING + partial.turn.content, THOUGHT],
          'messages, content and reasoning of what is stored',
        );
      });
      await check('call-ids', async () => {
        const { messages, tools } = FORECAST_REQUEST;
        const more = { ...OFF, tools, tool_choice: 'required', max_tokens: BUDGET };
        const { calls } = (await inNewSession(context, mode, messages, more)).turn;
        const due = calls.map((call, index) => `${call.function.name}_${index}`);
        expectTrue(calls.length > 0, 'a function is called');
        expectEqual(
          calls.map(({ id }) => id),
          due,
          'the ids of the calls',
        );
      });
      await check('reasoning-counted', async () => {
        const { usage } = (await inNewSession(context, mode, ASKING, THINKING)).turn;
        const { reasoning_tokens = 0 } = usage.completion_tokens_details ?? {};
        const tokens = usage.completion_tokens;
        expectTrue(reasoning_tokens > 0 && reasoning_tokens < tokens, `${reasoning_tokens} of ${tokens} are reasoning`);
      });
      await check('small-budget', async () => {
        const more = { thinking: undefined, max_tokens: undefined, max_completion_tokens: TOO_LITTLE };
        const { turn } = await inNewSession(context, mode, ASKING, more);
        expectEqual([turn.finish, turn.content], ['length', ''], 'finish_reason and content');
      });
    },
  });
}

/** A turn in a session of its own, and what it leaves there. */
async function inNewSession(context: CaseContext<string>, mode: TurnMode, messages: readonly object[], more: object) {
  const { api } = context;
  const { id } = await api.createSession();
  const turn = await turnAs(mode, context, id, messages, more);
  const window = await api.windowOf(id);
  await api.delete(`/sessions/${id}`);
  return { turn, window };
}

export const TURN_CASES: readonly Case[] = TURN_MODES.slice(0, 2).map(turnsCase);
