import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { append, calling, createSession, type Message, result, user, windowOf } from '../../wire/dialect.ts';

const system = (content: string): Message => ({ role: 'system', content });

export const appendSystemMessages = defineCase({
  id: 'append.system-messages',
  title: 'system messages may be written first, late and again, and stay where they were written',
  needs: ['sessions', 'sessions.append'],
  checks: { 'late-accepted': 'append.system-messages', 'late-in-place': 'append.order', 'late-role': 'append.fields' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const writes: Message[][] = [
      [system('one'), user('two')],
      [system('three')],
      [{ role: 'assistant', content: 'four' }, system('five'), system('six')],
      [calling('call_a'), result('call_a', 'seven')],
      [system('eight')],
    ];
    await trial.need('late-accepted', async () => {
      for (const write of writes) await append(api, id, write);
    });
    const listed = await windowOf(api, id);
    const written = writes.flat();
    await trial.check('late-in-place', () => {
      equal(
        listed.map(({ content }) => content),
        written.map(({ content }) => content),
        'the contents of the window',
      );
    });
    await trial.check('late-role', () => {
      equal(
        listed.map(({ role }) => role),
        written.map(({ role }) => role),
        'the roles in the window',
      );
    });
  },
});
