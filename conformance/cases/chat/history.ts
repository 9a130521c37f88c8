import { defineCase } from '../../core/case.ts';
import { holds } from '../../core/expect.ts';
import { chats, refusedChat } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';
import { asks, recalled, recalls, tells } from '../../wire/recall.ts';

export const chatHistory = defineCase({
  id: 'chat.history',
  title: 'the model reads all messages of the request, and of no other',
  needs: ['chat'],
  checks: { 'system-read': 'chat.history', 'earlier-read': 'chat.history', 'nothing-kept': 'chat.stateless' },
  cost: chats(7),
  async run(trial) {
    const word = trial.nonce();
    await trial.check('system-read', () => {
      const messages = [{ role: 'system', content: tells(word) }, asks()];
      return recalls(trial, { messages }, word);
    });
    await trial.check('earlier-read', () => {
      const messages = [user(tells(word)), { role: 'assistant', content: 'Noted.' }, asks()];
      return recalls(trial, { messages }, word);
    });
    await trial.check('nothing-kept', async () => {
      const said = await recalled(trial, {});
      holds(!said.includes(word), 'the model knows what only an earlier request has told');
    });
  },
});

export const chatMessages = defineCase({
  id: 'chat.messages',
  title: 'a request needs a message, of a role that exists',
  needs: ['chat'],
  checks: { 'none-refused': 'chat.messages-needed', 'unknown-role-refused': 'chat.roles' },
  cost: chats(2),
  async run(trial) {
    await trial.check('none-refused', () => refusedChat(trial, { messages: [] }));
    await trial.check('unknown-role-refused', () =>
      refusedChat(trial, { messages: [{ role: 'robot', content: 'Hello' }] }),
    );
  },
});
