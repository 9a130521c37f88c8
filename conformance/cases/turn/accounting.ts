import { defineCase } from '../../core/case.ts';
import { equal, holds } from '../../core/expect.ts';
import { createSession, type Message, stateOf, user } from '../../wire/dialect.ts';
import { estimated } from '../../wire/estimates.ts';
import { TOOL } from '../../wire/windows.ts';
import { ordering, turn, turns } from './turn.ts';

const NEW: Message[] = [
  { role: 'system', content: 'Be brief. 简短回答。' },
  { ...ordering('All is well.'), name: 'ann' },
];

export const turnAccounting = defineCase({
  id: 'turn.accounting',
  title: 'what a turn counts, stores and tells',
  needs: ['sessions', 'sessions.append', 'chat', 'tokens.estimate'],
  checks: {
    'session-named': 'turn.session',
    'session-as-read': 'turn.session',
    'prompt-counts-all': 'turn.prompt-tokens',
    'usage-after': 'turn.usage',
    'reply-tokens': 'turn.reply-tokens',
    'new-stored': 'turn.stored',
    'reply-stored': 'turn.stored',
    'earlier-kept': 'turn.nothing-dropped',
    'one-version': 'turn.one-version',
  },
  cost: turns(1),
  async run(trial) {
    const { api } = trial;
    const messages = [user('Hello.'), { role: 'assistant', content: 'Hello to you.' }];
    const { id } = await createSession(api, { tools: [TOOL], messages });
    const before = await stateOf(api, id);
    const counted = await estimated(trial, { messages: NEW });
    const { content, usage, session } = await turn(trial, id, NEW, { tool_choice: 'none' });
    const after = await stateOf(api, id);
    const stored = after.messages.slice(before.messages.length);
    const reply = stored.at(-1);
    await trial.check('session-named', () => equal(session.id, id, 'the session that the answer names'));
    await trial.check('session-as-read', () => {
      const { version, usage: used } = after.session;
      equal({ version: session.version, usage: session.usage }, { version, usage: used }, 'the session in the answer');
    });
    await trial.check('prompt-counts-all', () => {
      equal(usage.prompt_tokens, before.session.usage.total_tokens + counted, 'the tokens of the prompt');
    });
    await trial.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      equal(after.session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await trial.check('reply-tokens', () => {
      equal(reply?.tokens, usage.completion_tokens + 4, 'the tokens of the stored reply');
    });
    await trial.check('new-stored', () => {
      equal(
        stored.slice(0, -1).map(({ role, content: text, name }) => ({ role, content: text, name })),
        NEW.map(({ role, content: text, name }) => ({ role, content: text, name })),
        'the new messages in the window',
      );
    });
    await trial.check('reply-stored', () => {
      equal([reply?.role, reply?.content], ['assistant', content], 'the last message of the window');
      holds(content !== '', 'the model says something');
    });
    await trial.check('earlier-kept', () => {
      equal(after.messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
    });
    await trial.check('one-version', () => {
      equal(after.session.version, before.session.version + 1, 'the version after the turn');
    });
  },
});
