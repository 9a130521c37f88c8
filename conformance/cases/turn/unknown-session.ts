import { defineCase } from '../../core/case.ts';
import { refused, succeeded } from '../../core/expect.ts';
import { createSession, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import { sendTurn, turn, turns } from './turn.ts';

export const turnUnknownSession = defineCase({
  id: 'turn.unknown-session',
  title: 'a chat in a session that is not there is not found',
  needs: ['sessions', 'chat'],
  checks: {
    'known-answered': 'turn.session',
    'invented-refused': 'turn.unknown-session',
    'streamed-refused': 'turn.unknown-session',
    'none-created': 'turn.unknown-session',
    'deleted-refused': 'turn.unknown-session',
  },
  cost: turns(1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const nobody = neverWas(id);
    const order = user('Say hello.');
    await trial.check('known-answered', () => turn(trial, id, [order]));
    await trial.check('invented-refused', async () => {
      refused(await sendTurn(trial, nobody, [order]), 'session_not_found');
    });
    await trial.check('streamed-refused', async () => {
      refused(await sendTurn(trial, nobody, [order], { stream: true }), 'session_not_found');
    });
    await trial.check('none-created', async () => {
      refused(await api.get(`/sessions/${nobody}`), 'session_not_found');
    });
    await trial.check('deleted-refused', async () => {
      succeeded(await api.delete(`/sessions/${id}`));
      refused(await sendTurn(trial, id, [order]), 'session_not_found');
    });
  },
});
