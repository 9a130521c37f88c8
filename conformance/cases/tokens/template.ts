import { defineCase } from '../../core/case.ts';
import { equal, holds } from '../../core/expect.ts';
import { user } from '../../wire/dialect.ts';
import { estimated, textTokens } from '../../wire/estimates.ts';
import { declared } from '../../wire/functions.ts';
import { FRAME_TOKENS, PROMPT_TOKENS } from '../../wire/sized-texts.ts';

const TEXT = 'The river runs past 3 gardens; 河水。';
const MARKERS = 3;
const CALLS_MARKERS = 2;
const CALL_MARKERS = 3;
const NAME = 'Bartholomew the Elder';
/** What a vocabulary that let special texts through would count as one token. */
const SPECIAL = ['<|im_end|>', '<|im_user|>', '<|im_middle|>', '<|tool_call_begin|>', '[EOS]', '<|endoftext|>'];
const CALLS = [
  { id: 'functions.look_up:0', arguments: '{"at":"the end"}' },
  { id: 'functions.look_up:1', arguments: '{}' },
];

export const tokensTemplate = defineCase({
  id: 'tokens.template',
  title: 'prompts count what the chat template makes of them',
  needs: ['tokens.estimate'],
  checks: {
    'sum-of-messages': 'tokens.sum',
    'same-frame-for-all': 'tokens.frame',
    'name-for-role': 'tokens.name',
    'result-with-its-line': 'tokens.tool-result',
    'calls-with-their-markers': 'tokens.tool-calls',
    'declared-functions': 'tokens.tools',
    'no-functions': 'tokens.no-tools',
    'special-text-is-text': 'tokens.special-text',
  },
  cost: () => ({ requests: 32 }),
  async run(trial) {
    const text = await textTokens(trial, TEXT);
    const messageTokens = async (message: object) => (await estimated(trial, { messages: [message] })) - PROMPT_TOKENS;

    await trial.check('sum-of-messages', async () => {
      const messages = [
        { role: 'system', content: TEXT },
        user(`${TEXT} ${TEXT}`),
        { role: 'assistant', content: 'No.' },
      ];
      let sum = PROMPT_TOKENS;
      for (const message of messages) sum += await messageTokens(message);
      equal(await estimated(trial, { messages }), sum, 'tokens of three messages, against the sum of each');
    });
    await trial.check('same-frame-for-all', async () => {
      for (const role of ['system', 'user', 'assistant']) {
        equal(await messageTokens({ role, content: TEXT }), text + FRAME_TOKENS, `tokens of a message by ${role}`);
      }
    });
    await trial.check('name-for-role', async () => {
      const due = MARKERS + (await textTokens(trial, NAME)) + text;
      equal(await messageTokens({ ...user(TEXT), name: NAME }), due, 'tokens of a message with a name');
    });
    await trial.check('result-with-its-line', async () => {
      const [{ id } = { id: '' }] = CALLS;
      const due = FRAME_TOKENS + (await textTokens(trial, `## Return of ${id}\n${TEXT}`));
      equal(await messageTokens({ role: 'tool', tool_call_id: id, content: TEXT }), due, "tokens of a tool's result");
    });
    await trial.check('calls-with-their-markers', async () => {
      let due = FRAME_TOKENS + CALLS_MARKERS;
      for (const call of CALLS) {
        due += CALL_MARKERS + (await textTokens(trial, call.id)) + (await textTokens(trial, call.arguments));
      }
      const tool_calls = CALLS.map(({ id, arguments: text }) => ({
        id,
        type: 'function',
        function: { name: 'look_up', arguments: text },
      }));
      equal(await messageTokens({ role: 'assistant', content: '', tool_calls }), due, 'tokens of two calls');
    });
    await trial.check('declared-functions', async () => {
      const tools = [declared('look_up'), declared('get_news')];
      const json = JSON.stringify(tools);
      const due = MARKERS + (await textTokens(trial, 'tool_declare')) + (await textTokens(trial, json));
      const bare = await estimated(trial, { messages: [user(TEXT)] });
      equal((await estimated(trial, { messages: [user(TEXT)], tools })) - bare, due, 'tokens of two functions');
    });
    await trial.check('no-functions', async () => {
      const messages = [user(TEXT)];
      equal(await estimated(trial, { messages, tools: [] }), await estimated(trial, { messages }), 'tokens');
    });
    await trial.check('special-text-is-text', async () => {
      for (const marker of SPECIAL) {
        const tokens = await textTokens(trial, marker);
        holds(tokens > 1, `${marker} counts ${tokens} token: it is taken for the marker that it looks like`);
      }
    });
  },
});
