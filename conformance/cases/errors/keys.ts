import { defineCase } from '../../core/case.ts';
import { holds, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import type { Send } from '../../wire/api.ts';
import { user } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';
import { stranger } from '../../wire/strangers.ts';

const NO_KEY: Send = { key: null };
/** What an Authorization may look like that holds no bearer key. */
const MALFORMED = ['Bearer', 'Bearer ', 'Basic c2stdGVzdDo=', 'sk-kimi-conformance'];
const UNKNOWN_KEY = 'sk-kimi-conformance-nobody-has-this-key';
/** From outside, a server that lets anybody in looks like one that forgot to look: the user has to say which it is. */
const LET_IN =
  'GET /v1/models: a key that nobody was given is let in; a server that lets anybody in is judged without KIMI_API_KEY (in code: with anyKey)';

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
    const mayLetIn = trial.target.newKey !== undefined || trial.target.anyKey === true;
    const refusesUnknown = (code?: 'incorrect_api_key') => {
      if (unknown.status >= 300) return stranger(unknown, code);
      holds(mayLetIn, LET_IN);
    };
    await trial.check('unknown-refused', () => refusesUnknown());
    await trial.check('unknown-key-row', () => refusesUnknown('incorrect_api_key'));
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
