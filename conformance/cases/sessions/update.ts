import { TokenEstimate } from '../../../contract/models.ts';
import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { TOOL } from '../../wire/changes.ts';
import { createSession, getSession, stateOf, unchanged, user } from '../../wire/dialect.ts';

const FIRST = { title: 'First', metadata: { a: '1', b: '2' }, tools: [TOOL] };
const OTHER_TOOL = { type: 'function', function: { name: 'send_mail', description: 'Sends a mail.' } } as const;

/** The members of a session that an update may change. */
function fieldsOf({ title, metadata, tools }: Session): object {
  return { title, metadata, tools };
}

export const sessionsUpdate = defineCase({
  id: 'sessions.update',
  title: 'title, metadata and tools are changed',
  needs: ['sessions'],
  checks: {
    'title-alone': 'sessions.update',
    'metadata-alone': 'sessions.update',
    'tools-alone': 'sessions.update',
    together: 'sessions.update',
    emptied: 'sessions.update-emptied',
    'answer-is-read': 'sessions.read-back',
    'identity-stays': 'sessions.read-back',
  },
  async run(trial) {
    const { api } = trial;
    const created = await createSession(api, FIRST);
    const { id } = created;
    const update = async (body: object) => answered(await api.post(`/sessions/${id}`, body), Session);
    let expected: object = FIRST;
    const judge = async (body: object, then: object = body) => {
      expected = { ...expected, ...then };
      equal(fieldsOf(await update(body)), expected, `the session after ${JSON.stringify(Object.keys(body))}`);
      equal(fieldsOf(await getSession(api, id)), expected, 'the session as it is read');
    };
    await trial.check('title-alone', () => judge({ title: 'Second' }));
    await trial.check('metadata-alone', () => judge({ metadata: { c: '3' } }));
    await trial.check('tools-alone', () => judge({ tools: [OTHER_TOOL] }));
    await trial.check('together', () => judge({ title: 'Third', metadata: { d: '4' }, tools: [TOOL, OTHER_TOOL] }));
    await trial.check('emptied', () =>
      judge({ title: null, metadata: null, tools: [] }, { title: null, metadata: {}, tools: [] }),
    );
    const last = await update({ title: 'Fourth' });
    await trial.check('answer-is-read', async () =>
      equal(await getSession(api, id), last, 'the session as it is read'),
    );
    await trial.check('identity-stays', () => {
      const same = ({ id, session_id, model, created_at, limits, forked_from }: Session) => [
        id,
        session_id,
        model,
        created_at,
        limits,
        forked_from,
      ];
      equal(same(last), same(created), 'what no update changes');
    });
  },
});

/** What tools add to a prompt, by the target's counter. */
async function toolTokens(api: Api, model: string, tools: readonly object[]): Promise<number> {
  const messages = [user('Hello.')];
  const count = async (body: object) =>
    answered(await api.post('/tokenizers/estimate-token-count', { model, messages, ...body }), TokenEstimate).data
      .total_tokens;
  return (await count({ tools })) - (await count({}));
}

export const sessionsTools = defineCase({
  id: 'sessions.tools',
  title: 'session tools count in the window',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'counted-as-estimated': 'sessions.tools-counted',
    'counted-in-total': 'sessions.tools-counted',
    'none-counts-nothing': 'sessions.tools-counted',
    'beyond-window-refused': 'sessions.tools-window',
  },
  async run(trial) {
    const { api, target, limits } = trial;
    const { id, usage: before } = await createSession(api, { messages: [user('The first message.')] });
    const update = (body: object) => api.post(`/sessions/${id}`, body);
    await trial.check('counted-as-estimated', async () => {
      const tools = [TOOL, OTHER_TOOL];
      const expected = await toolTokens(api, target.model, tools);
      equal(answered(await update({ tools }), Session).usage.tools_tokens, expected, 'tools_tokens');
      equal((await createSession(api, { tools })).usage.tools_tokens, expected, 'tools_tokens of a new session');
    });
    await trial.check('counted-in-total', async () => {
      const { usage } = answered(await update({ tools: [TOOL] }), Session);
      equal(usage.total_tokens, before.total_tokens + usage.tools_tokens, 'the total with one tool');
      equal(usage.remaining_tokens, limits.window_tokens - usage.total_tokens, 'what remains');
      equal(usage.messages, before.messages, 'the messages');
    });
    await trial.check('none-counts-nothing', async () => {
      const { usage } = answered(await update({ tools: [] }), Session);
      const [message] = (await stateOf(api, id)).messages;
      equal([usage.tools_tokens, usage.total_tokens], [0, message?.tokens], 'the tools and the total without tools');
    });
    await trial.check('beyond-window-refused', async () => {
      const state = await stateOf(api, id);
      // A word is at least one token in any vocabulary.
      const description = ' river'.repeat(limits.window_tokens);
      const large = { type: 'function', function: { name: 'look_up', description } };
      refused(await update({ tools: [large] }), 'context_window_exceeded');
      await unchanged(api, state);
      answered(await update({ tools: [TOOL] }), Session);
    });
  },
});
