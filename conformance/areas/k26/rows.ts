import { LIVE_TEXT } from '../../../contract/errors.ts';
import { FORECAST_NAME, FORECAST_REQUEST } from '../../wire/chat.ts';
import { toolResult, user } from '../../wire/sessions.ts';
import { accepts, type RowTable, refuses, THINKING } from '../k3/rows.ts';

/** Requests to K2.6, and how each is answered, streamed or not. */

const told = LIVE_TEXT.samplingFixed;
const { tools } = FORECAST_REQUEST;
const NAMED = { type: 'function', function: { name: FORECAST_NAME } };

const sampling: RowTable = {
  name: 'sampling',
  title: 'sampling fields are fixed, by thinking',
  rows: {
    'one-thinking': accepts({ ...THINKING, temperature: 1 }),
    'six-tenths-without': accepts({ temperature: 0.6 }),
    'top-p-allowed': accepts({ top_p: 0.95 }),
    'n-one': accepts({ n: 1 }),
    'zero-thinking': refuses({ ...THINKING, temperature: 0 }, told('temperature', 1)),
    'six-tenths-thinking': refuses({ ...THINKING, temperature: 0.6 }, told('temperature', 1)),
    'one-without': refuses({ temperature: 1 }, told('temperature', 0.6)),
    'top-p': refuses({ top_p: 0.8 }, told('top_p', 0.95)),
    'n-two': refuses({ n: 2 }, told('n', 1)),
    'presence-penalty': refuses({ presence_penalty: 0.5 }),
    'frequency-penalty': refuses({ frequency_penalty: 0.5 }),
  },
  rule: () => 'k26.sampling',
};

const toolChoice: RowTable = {
  name: 'tool-choice',
  title: 'each tool_choice, thinking and not',
  rows: {
    auto: accepts({ ...THINKING, tools, tool_choice: 'auto' }),
    none: accepts({ ...THINKING, tools, tool_choice: 'none' }),
    'required-without': accepts({ tools, tool_choice: 'required' }),
    'named-without': accepts({ tools, tool_choice: NAMED }),
    'required-thinking': refuses(
      { ...THINKING, tools, tool_choice: 'required' },
      LIVE_TEXT.choiceWhileThinking('required'),
    ),
    'named-thinking': refuses({ ...THINKING, tools, tool_choice: NAMED }, LIVE_TEXT.choiceWhileThinking('specified')),
  },
  rule: () => 'k26.tool-choice',
};

const calling = (fields: object) => ({
  messages: [
    user('Look it up.'),
    {
      role: 'assistant',
      content: '',
      ...fields,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}' } }],
    },
    toolResult('call_1', 'done'),
  ],
});

const history: RowTable = {
  name: 'history',
  title: 'calls that come back with their reasoning and without',
  rows: {
    'reasoning-back': accepts({ ...THINKING, ...calling({ reasoning_content: 'I have to look.' }) }),
    'reasoning-empty': accepts({ ...THINKING, ...calling({ reasoning_content: '' }) }),
    'missing-without-thinking': accepts(calling({})),
    missing: refuses({ ...THINKING, ...calling({}) }, LIVE_TEXT.reasoningMissing(1)),
  },
  rule: () => 'k26.history',
};

export const ROW_TABLES: readonly RowTable[] = [sampling, toolChoice, history];
