import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { append, calling, createSession, result, snapshotsOf, stateOf, unchanged } from '../../wire/dialect.ts';
import { appendFacts, facts } from '../../wire/windows.ts';

export const compressOpenCall = defineCase({
  id: 'compress.open-call',
  title: 'a call that waits for its result is not summarised away',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot'],
  checks: {
    refused: 'compress.open-call',
    'said-before-anything-else': 'compress.open-call',
    'refused-unchanged': 'compress.refused-unchanged',
    'accepted-once-answered': 'compress.open-call',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await appendFacts(trial, id, facts(30));
    await append(api, id, calling('call_1'));
    const path = `/sessions/${id}/compress`;
    const before = await stateOf(api, id);
    await trial.check('refused', async () => {
      const message = refused(await api.post(path, { ratio: 2 }), 'tool_call_unanswered');
      holds(message.includes('call_1'), `the refusal names the open call: ${message}`);
    });
    await trial.check('refused-unchanged', async () => {
      await unchanged(api, before);
      equal(await snapshotsOf(api, id), [], 'the snapshots');
    });
    await trial.check('said-before-anything-else', async () => {
      // Here there is too little to replace as well.
      const small = await createSession(api);
      await append(api, small.id, calling('call_1'));
      refused(await api.post(`/sessions/${small.id}/compress`), 'tool_call_unanswered');
    });
    await append(api, id, result('call_1'));
    await trial.check('accepted-once-answered', async () => {
      holds(answered(await api.post(path, { ratio: 2 }), SessionCompression).summary !== null, 'there is a summary');
    });
  },
});
