import { defineCase } from '../../core/case.ts';
import { equal, holds, refused } from '../../core/expect.ts';
import { Fault } from '../../core/verdict.ts';
import { append, createSession, type Message, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { tells } from '../../wire/recall.ts';
import { LONG_ANSWER, ordering, sendTurn, turn, turns } from './turn.ts';

const TRIES = 3;

export const turnChoices = defineCase({
  id: 'turn.choices',
  title: 'a session takes one answer a turn',
  needs: ['sessions', 'chat'],
  checks: { 'two-refused': 'turn.one-choice', 'two-change-nothing': 'turn.refused', 'one-accepted': 'turn.one-choice' },
  cost: turns(1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const reply = await sendTurn(trial, id, [user('Say hello.')], { n: 2 });
    await trial.check('two-refused', () => refused(reply, 'invalid_request', { param: 'n' }));
    await trial.check('two-change-nothing', () => unchanged(api, before));
    await trial.check('one-accepted', () => turn(trial, id, [user('Say hello.')], { n: 1 }));
  },
});

export const turnPartial = defineCase({
  id: 'turn.partial',
  title: 'an answer that the client begins is stored as one message',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.partial'],
  checks: { joined: 'turn.partial', 'one-message': 'turn.partial', 'usage-after': 'turn.usage' },
  cost: turns(1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user(tells(trial.nonce()))] });
    const beginning = 'The code word of the project is';
    const messages: Message[] = [
      user('What is the code word of the project?'),
      { role: 'assistant', content: beginning, partial: true },
    ];
    const { content, usage } = await turn(trial, id, messages);
    const { session, messages: stored } = await stateOf(api, id);
    await trial.check('one-message', () => {
      equal(
        stored.map(({ role }) => role),
        ['user', 'user', 'assistant'],
        'the roles in the window',
      );
    });
    await trial.check('joined', () => {
      equal(stored.at(-1)?.content, beginning + content, 'the last message of the window');
      holds(content !== '', 'the model continues');
    });
    await trial.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      equal(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
  },
});

export const turnEmptyAnswer = defineCase({
  id: 'turn.empty-answer',
  title: 'an answer of nothing is not stored',
  needs: ['sessions', 'chat'],
  checks: { 'new-alone-stored': 'turn.empty-answer', 'goes-on-after': 'turn.empty-answer' },
  cost: turns(TRIES + 1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const order = ordering('BREAK');
    let before = await stateOf(api, id);
    let said = '';
    for (let tries = 0; tries < TRIES; tries += 1) {
      before = await stateOf(api, id);
      said = (await turn(trial, id, [order], { stop: ['BREAK', 'B'] })).content;
      if (said === '') break;
    }
    await trial.check('new-alone-stored', async () => {
      if (said !== '') throw new Fault(`the model could not be made to say nothing: ${said}`);
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      equal(
        stored.map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn without answer adds to the window',
      );
    });
    await trial.check('goes-on-after', async () => {
      const { session } = await turn(trial, id, [user('Say hello.')]);
      const { messages } = await stateOf(api, id);
      equal(messages.length, session.usage.messages, 'the messages of the window');
      holds(
        messages.every(({ content }) => content !== ''),
        'no message without content stands in the window',
      );
    });
  },
});

const NOTE = {
  type: 'function',
  function: {
    name: 'save_note',
    description: 'Saves a note word for word.',
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  },
};

export const turnCut = defineCase({
  id: 'turn.cut',
  title: 'what becomes of an answer that max_tokens cuts',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'text-stored-as-delivered': 'turn.cut-text',
    'call-not-stored': 'turn.cut-call',
    'goes-on-after-call': 'turn.cut-call',
  },
  cost: turns(3, { promptTokens: 2_048, completionTokens: 64 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await trial.check('text-stored-as-delivered', async () => {
      const { content, finish } = await turn(trial, id, [ordering(LONG_ANSWER)], { max_tokens: 12 });
      if (finish !== 'length') throw new Fault(`a long answer ends with ${finish}`);
      equal((await windowOf(api, id)).at(-1)?.content, content, 'the reply in the window');
    });
    await trial.check('call-not-stored', async () => {
      const order = user(`Call save_note with the text "${LONG_ANSWER}".`);
      const { finish } = await turn(trial, id, [order], { tools: [NOTE], tool_choice: 'required', max_tokens: 24 });
      if (finish !== 'length') throw new Fault(`a long call ends with ${finish}`);
      const window = await windowOf(api, id);
      equal(
        window.slice(2).map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn whose call was cut adds to the window',
      );
    });
    await trial.check('goes-on-after-call', async () => {
      await append(api, id, user('Never mind.'));
      await turn(trial, id, [user('Say hello.')], { tools: [] });
    });
  },
});
