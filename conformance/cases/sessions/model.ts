import { LIVE_TEXT } from '../../../contract/errors.ts';
import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused, succeeded } from '../../core/expect.ts';
import { getSession } from '../../wire/dialect.ts';

const ALIAS = 'kimi-k2-0905';
const UNKNOWN = 'kimi-k2-of-nowhere';

export const sessionsModel = defineCase({
  id: 'sessions.model',
  title: 'the names of models',
  needs: ['sessions'],
  checks: {
    'alias-accepted': 'sessions.model-alias',
    'unknown-refused': 'sessions.model-unknown',
    'unknown-text': 'sessions.model-unknown',
  },
  async run(trial) {
    const { api, target } = trial;
    await trial.check('alias-accepted', async () => {
      const { id, model } = answered(await api.post('/sessions', { model: ALIAS }), Session);
      equal(model, ALIAS, 'the model, as it was given');
      equal((await getSession(api, id)).model, ALIAS, 'the model as it is read');
    });
    succeeded(await api.post('/sessions', { model: target.model }));
    const reply = await api.post('/sessions', { model: UNKNOWN });
    await trial.check('unknown-refused', () => refused(reply, 'model_not_found'));
    await trial.check('unknown-text', () => {
      equal(refused(reply, 'model_not_found'), LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
  },
});
