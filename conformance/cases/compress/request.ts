import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { createSession, stateOf, unchanged } from '../../wire/dialect.ts';
import { belowMinimum } from '../../wire/preserve-len.ts';
import { appendFacts, facts } from '../../wire/windows.ts';

export const compressRequest = defineCase({
  id: 'compress.request',
  title: 'ratios and formats that there are, and those that there are not',
  needs: ['sessions', 'sessions.append', 'sessions.compress'],
  checks: {
    'smallest-ratio-accepted': 'compress.ratio-range',
    'largest-ratio-accepted': 'compress.ratio-range',
    'other-ratios-refused': 'compress.ratio-range',
    'unknown-format-refused': 'compress.format-unknown',
    'formats-listed': 'compress.format-unknown',
    'under-minimum-refused': 'compress.minimum',
    'refused-unchanged': 'compress.refused-unchanged',
    'outline-by-default': 'compress.default-format',
  },
  async run(trial) {
    const { api, limits } = trial;
    const { id } = await createSession(api);
    await appendFacts(trial, id, facts(24));
    const path = `/sessions/${id}/compress`;
    const before = await stateOf(api, id);
    const rehearse = (fields: object) => api.post(path, { ...fields, dry_run: true });
    await trial.check('smallest-ratio-accepted', async () => {
      answered(await rehearse({ ratio: 1.01 }), SessionCompression);
    });
    await trial.check('largest-ratio-accepted', async () => {
      // It is in range; whether so little can hold a summary is another matter.
      const reply = await rehearse({ ratio: limits.compress_ratio_max });
      if (reply.status === 400) refused(reply, 'compress_infeasible', { param: 'ratio' });
      else answered(reply, SessionCompression);
    });
    await trial.check('other-ratios-refused', async () => {
      for (const ratio of [1, 0.5, 0, -4, limits.compress_ratio_max + 0.5, '4']) {
        refused(await api.post(path, { ratio }), 'invalid_request', { param: 'ratio' });
      }
    });
    let message = '';
    await trial.check('unknown-format-refused', async () => {
      message = refused(await api.post(path, { format: 'haiku' }), 'invalid_request', { param: 'format' });
    });
    await trial.check('formats-listed', () => {
      const missing = ['outline', 'json', 'text'].filter((format) => !message.includes(format));
      equal(missing, [], `formats that the refusal does not list: ${message}; missing`);
    });
    await trial.check('under-minimum-refused', async () => {
      const least = limits.min_preserve_tokens;
      belowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
    });
    await trial.check('refused-unchanged', () => unchanged(api, before));
    await trial.check('outline-by-default', async () => {
      equal(answered(await api.post(path), SessionCompression).format, 'outline', 'the format');
    });
  },
});
