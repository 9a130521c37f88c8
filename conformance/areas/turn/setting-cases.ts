import { z } from 'zod';
import type { Capability } from '../../../contract/capabilities.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { sendTurn, TURN_MODES, type Turn, type TurnMode, turnAs } from '../../tables/turns.ts';
import { FORECAST_NAME, refusalIn, sendChat, withinThreeTries } from '../../wire/chat.ts';
import { modelUnderTest } from '../../wire/model.ts';
import { user } from '../../wire/sessions.ts';
import { TOOL } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';
import { LONG_ANSWER, ordering } from './case-support.ts';
import { ASKING, FORECAST } from './features.ts';

/** What a chat asks for besides its messages holds in a session as it does outside of one. */

/** A setting that changes the answer. */
interface Obeyed {
  needs?: readonly Capability[];
  messages: readonly object[];
  tools?: readonly object[];
  /** For a model that cannot be made to call a function by a setting. */
  unforced?: readonly object[];
  more: object;
  /** What is wrong with the answer, if anything. */
  fault(turn: Turn, most: number): string | undefined;
}

const FEW = 6;
const JSON_BUDGET = 64;
const SCHEMA = {
  type: 'object',
  properties: { code_word: { type: 'string' }, characters: { type: 'integer' } },
  required: ['code_word', 'characters'],
  additionalProperties: false,
};
const Fitting = z.strictObject({ code_word: z.string(), characters: z.int() });
const QUESTION = [
  user('The code word is RIVER42. What is the code word, and how many characters has it? Reply in JSON.'),
];
const fits =
  (schema: z.ZodType) =>
  ({ content }: Turn): string | undefined => {
    try {
      return schema.safeParse(JSON.parse(content)).success ? undefined : `JSON of another form: ${content}`;
    } catch {
      return `content that is not JSON: ${content}`;
    }
  };
const calls =
  (name: string | undefined) =>
  ({ calls: [call], finish }: Turn): string | undefined =>
    call?.function.name === name && (finish === 'tool_calls') === (name !== undefined)
      ? undefined
      : `it calls ${call?.function.name ?? 'nothing'} and finishes with ${finish}`;
const atMost = ({ usage: { completion_tokens: tokens } }: Turn, most: number) =>
  tokens <= most ? undefined : `an answer of at most ${most} tokens takes ${tokens}`;
const endsBefore =
  (stop: string) =>
  ({ content }: Turn): string | undefined =>
    content.includes(stop) || !content.includes('river')
      ? `the answer does not end before ${stop}: ${content}`
      : undefined;

export const OBEYED: Readonly<Record<string, Obeyed>> = {
  'json-object': {
    needs: ['chat.json'],
    messages: QUESTION,
    more: { response_format: { type: 'json_object' }, max_tokens: JSON_BUDGET },
    fault: fits(z.looseObject({})),
  },
  'json-schema': {
    needs: ['chat.json'],
    messages: QUESTION,
    more: {
      response_format: { type: 'json_schema', json_schema: { name: 'code_word', schema: SCHEMA, strict: true } },
      max_tokens: JSON_BUDGET,
    },
    fault: fits(Fitting),
  },
  'no-call': {
    needs: ['chat.tools'],
    messages: ASKING,
    tools: FORECAST,
    more: { tool_choice: 'none' },
    fault: calls(undefined),
  },
  'must-call': {
    needs: ['chat.tools'],
    messages: [ordering('Yes.')],
    unforced: ASKING,
    tools: FORECAST,
    more: { tool_choice: 'required', max_tokens: JSON_BUDGET },
    fault: calls(FORECAST_NAME),
  },
  'named-call': {
    needs: ['chat.tools'],
    messages: [user(`Call ${TOOL.function.name}.`)],
    unforced: ASKING,
    tools: [TOOL, ...FORECAST],
    more: { tool_choice: { type: 'function', function: { name: FORECAST_NAME } }, max_tokens: JSON_BUDGET },
    fault: calls(FORECAST_NAME),
  },
  'most-tokens': { messages: [ordering(LONG_ANSWER)], more: { max_tokens: FEW }, fault: atMost },
  'most-tokens-by-new-name': {
    messages: [ordering(LONG_ANSWER)],
    more: { max_tokens: undefined, max_completion_tokens: FEW },
    fault: atMost,
  },
  stop: { messages: [ordering('river BREAK stone')], more: { stop: 'BREAK' }, fault: endsBefore('BREAK') },
  'stop-list': {
    messages: [ordering('river BREAK stone')],
    more: { stop: ['HALT', 'BREAK'] },
    fault: endsBefore('BREAK'),
  },
};

/** Settings that no model takes. */
export const REFUSED: Readonly<Record<string, object>> = {
  temperature: { temperature: 3 },
  'temperature-below': { temperature: -1 },
  'top-p': { top_p: 3 },
  'presence-penalty': { presence_penalty: 3 },
  'frequency-penalty': { frequency_penalty: 3 },
  'six-stops': { stop: Array.from({ length: 6 }, (_, place) => `stop ${place}`) },
  'long-stop': { stop: '#'.repeat(33) },
  'tool-choice': { tools: FORECAST, tool_choice: 'bogus' },
  'response-format': { response_format: { type: 'yaml' } },
  'no-tokens': { max_tokens: 0 },
  'tools-twice': { tools: [...FORECAST, ...FORECAST] },
};

/** As the model takes it: with a budget for what it thinks before, and no call forced where that is refused. */
function asked(context: CaseContext<string>, { messages, unforced, more, tools }: Obeyed) {
  const { mustCall } = modelUnderTest(context.target.model);
  const budget = Object.entries(more).map(([field, value]) =>
    typeof value === 'number' && field.startsWith('max_')
      ? [field, value + context.texts.overhead.answer]
      : [field, value],
  );
  const fields = { ...Object.fromEntries(budget), ...(tools && { tools }) };
  return unforced && mustCall === 'auto'
    ? { messages: unforced, fields: { ...fields, tool_choice: 'auto' } }
    : { messages, fields };
}

function settingsCase(mode: TurnMode): Case {
  const obeyed = Object.entries(OBEYED);
  const names = [...obeyed.map(([name]) => name), ...Object.keys(REFUSED).map((name) => `${name}-refused`)];
  return defineCase<string>({
    id: `turn.settings-${mode.name}`,
    title: `what a turn asks for besides its messages, answered ${mode.name}`,
    needs: [
      'sessions',
      'sessions.append',
      'chat',
      ...mode.needs,
      ...new Set(obeyed.flatMap(([, { needs = [] }]) => needs)),
    ],
    checks: Object.fromEntries(names.map((name): [string, WireRuleId] => [name, 'turn.settings'])),
    cost: () => ({
      requests: 4 * names.length,
      promptTokens: 256 * names.length,
      completionTokens: JSON_BUDGET * names.length,
    }),
    async run({ api, check }, context) {
      for (const [name, setting] of obeyed) {
        await check(name, () =>
          withinThreeTries(async () => {
            const { id } = await api.createSession({ messages: [user('Hello.')] });
            const { messages, fields } = asked(context, setting);
            try {
              const turn = await turnAs(mode, context, id, messages, fields);
              return setting.fault(turn, FEW + context.texts.overhead.answer);
            } finally {
              expectSuccess(await api.delete(`/sessions/${id}`));
            }
          }),
        );
      }
      const { id } = await api.createSession({ messages: [user('Hello.')] });
      const before = await api.stateOf(id);
      const messages = [ordering('OK')];
      for (const [name, fields] of Object.entries(REFUSED)) {
        await check(`${name}-refused`, async () => {
          const outside = await sendChat(context, { messages, ...fields, ...mode.fields });
          const inside = await sendTurn(context, id, messages, { ...fields, ...mode.fields });
          expectTrue(outside.status === 400, `${outside.what}: expected a refusal, got ${outside.status}`);
          expectEqual([inside.status, ...refusalIn(inside)], [400, ...refusalIn(outside)], 'status, type and message');
          await api.expectUnchanged(before);
        });
      }
    },
  });
}

export const SETTING_CASES: readonly Case[] = TURN_MODES.slice(0, 2).map(settingsCase);
