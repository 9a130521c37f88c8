import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { append, calling, createSession, result, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';

export const appendAtomic = defineCase({
  id: 'append.atomic',
  title: 'messages of one write are stored together, in their order, or not at all',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'many-stored': 'append.one-or-many',
    'one-stored': 'append.one-or-many',
    'order-kept': 'append.order',
    'last-bad-stores-none': 'append.atomic',
    'middle-bad-stores-none': 'append.atomic',
    'none-refused': 'append.one-or-many',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const contents = ['one', 'two', 'three', 'four', 'five'];
    await trial.need('many-stored', async () => {
      const { data } = await append(api, id, contents.slice(0, 4).map(user));
      equal(data.length, 4, 'the messages written');
    });
    await trial.need('one-stored', async () => {
      equal((await append(api, id, user('five'))).data.length, 1, 'the messages written');
    });
    await trial.check('order-kept', async () => {
      equal(
        (await windowOf(api, id)).map(({ content }) => content),
        contents,
        'the contents of the window',
      );
    });
    const before = await stateOf(api, id);
    await trial.check('last-bad-stores-none', async () => {
      const messages = [user('six'), user('seven'), result('call_of_nobody')];
      refused(await api.post(path, { messages }), 'tool_result_orphan');
      await unchanged(api, before);
    });
    await trial.check('middle-bad-stores-none', async () => {
      const messages = [user('six'), calling('call_a'), user('seven'), result('call_a')];
      refused(await api.post(path, { messages }), 'tool_call_unanswered');
      await unchanged(api, before);
    });
    await trial.check('none-refused', async () => {
      refused(await api.post(path, { messages: [] }), 'invalid_request', { param: 'messages' });
      await unchanged(api, before);
    });
  },
});
