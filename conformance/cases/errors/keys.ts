import { defineCase } from '../../core/case.ts';
import { succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import type { Send } from '../../wire/api.ts';
import { user } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';
import { stranger } from '../../wire/strangers.ts';

const NO_KEY: Send = { key: null };
/** What an Authorization may look like that holds no bearer key. */
const MALFORMED = ['Bearer', 'Bearer ', 'Basic c2stdGVzdDo=', 'sk-kimi-conformance'];
const UNKNOWN_KEY = 'sk-kimi-conformance-nobody-has-this-key';

export const errorsKeys = defineCase({
  id: 'errors.keys',
  title: 'who has no key, or a wrong one, is not let in',
  needs: ['chat', 'models'],
  checks: {
    'no-key-refused': 'errors.no-key',
    'chat-without-key-refused': 'errors.no-key',
    'malformed-refused': 'errors.malformed-key',
    'unknown-refused': 'errors.unknown-key',
    'no-key-row': 'errors.key-rows',
    'unknown-key-row': 'errors.key-rows',
    'key-first': 'errors.key-first',
    'own-key-accepted': 'errors.no-key',
  },
  cost: () => ({ requests: 12, promptTokens: 64, completionTokens: 8 }),
  async run(trial) {
    const { api } = trial;
    await trial.check('no-key-refused', async () => stranger(await api.get('/models', NO_KEY)));
    await trial.check('chat-without-key-refused', async () => stranger(await chatOf(trial, NO_KEY)));
    await trial.check('malformed-refused', async () => {
      for (const Authorization of MALFORMED) {
        stranger(await api.get('/models', { key: null, headers: { Authorization } }));
      }
    });
    await trial.check('no-key-row', async () => stranger(await api.get('/models', NO_KEY), 'invalid_authentication'));
    const unknown = await api.get('/models', { key: UNKNOWN_KEY });
    // A target that gives keys away, or takes invented ones, lets anybody in.
    const letIn = (trial.target.newKey !== undefined || trial.target.anyKey === true) && unknown.status < 300;
    await trial.check('unknown-refused', () => letIn || stranger(unknown));
    await trial.check('unknown-key-row', () => letIn || stranger(unknown, 'incorrect_api_key'));
    await trial.check('key-first', async () => {
      stranger(await api.post('/chat/completions', undefined, { key: null, raw: '{' }));
      stranger(await api.get('/conformance-no-such-route', NO_KEY));
    });
    await trial.check('own-key-accepted', async () => succeeded(await api.get('/models')));
  },
});

function chatOf(trial: Trial<string>, send: Send): Promise<Reply> {
  const { model } = trial.target;
  return trial.api.post('/chat/completions', { model, messages: [user('Hello')], max_tokens: 8 }, send);
}
