import { SessionAppend } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { append, createSession, stateOf, user } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';

const WRITES = 8;

export const appendConcurrent = defineCase({
  id: 'append.concurrent',
  title: 'of writes at the same time exactly those that were accepted stand in the window',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'each-answered': 'append.concurrent',
    'accepted-stand': 'append.concurrent',
    'writes-stay-together': 'append.atomic',
    'usage-adds-up': 'append.usage',
    'versions-differ': 'append.concurrent',
  },
  async run(trial) {
    const { api } = trial;
    const { id, usage } = await createSession(api);
    const write = (index: number) => ({ messages: [user(`Write ${index}, one`), user(`Write ${index}, two`)] });
    const replies = await Promise.all(
      Array.from({ length: WRITES }, (_, index) => api.post(`/sessions/${id}/messages`, write(index))),
    );
    const isAccepted = (reply: Reply | undefined) => reply !== undefined && reply.status < 300;
    const accepted = replies.filter(isAccepted).map((reply) => answered(reply, SessionAppend));
    await trial.check('each-answered', async () => {
      for (const reply of replies) if (!isAccepted(reply)) refused(reply, 'session_busy');
      holds(accepted.length > 0, 'at least one of the writes is accepted');
      await append(api, id, user('The last.'));
    });
    const { session, messages } = await stateOf(api, id);
    const stand = messages.slice(0, -1).map(({ content }) => String(content));
    await trial.check('accepted-stand', () => {
      const expected = replies.flatMap((reply, index) =>
        isAccepted(reply) ? write(index).messages.map(({ content }) => String(content)) : [],
      );
      equal([...stand].sort(), expected.sort(), 'the messages that stand in the window');
    });
    await trial.check('writes-stay-together', () => {
      for (const [index, content] of stand.entries()) {
        if (index % 2 === 0) equal(stand[index + 1], content.replace('one', 'two'), `what follows "${content}"`);
      }
    });
    await trial.check('usage-adds-up', () => {
      const written = accepted.reduce((sum, { tokens }) => sum + tokens, 0) + (messages.at(-1)?.tokens ?? 0);
      equal(session.usage.total_tokens - usage.total_tokens, written, 'the tokens written');
    });
    await trial.check('versions-differ', () => {
      const versions = accepted.map(({ version }) => version);
      equal(new Set(versions).size, versions.length, 'the number of different versions');
    });
  },
});
