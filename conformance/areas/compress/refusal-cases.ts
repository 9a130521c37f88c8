import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import { toolCall, toolResult, user } from '../../wire/sessions.ts';
import { appendFacts, expectBelowMinimum, facts } from '../../wire/windows.ts';

/** What a compress refuses, and where it does nothing. */

export const compressInfeasible = defineCase({
  id: 'compress.infeasible',
  title: 'a ratio that pins make impossible is refused with the largest one that works',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'refused named-ratio-works a-larger-one-does-not': 'compress.infeasible',
    'refused-unchanged': 'compress.refused-unchanged',
  },
  async run({ api, texts, check, require }, context) {
    const { id } = await api.createSession();
    await api.append(id, { ...user(await texts.exactly(200)), pinned: true });
    await appendFacts(context, id, facts(24));
    const path = `/sessions/${id}/compress`;
    const before = await api.stateOf(id);
    let message = '';
    await require('refused', async () => {
      message = expectError(await api.post(path, { ratio: 20 }), 'compress_infeasible', { param: 'ratio' });
    });
    await check('refused-unchanged', async () => {
      await api.expectUnchanged(before);
      expectEqual(await api.snapshotsOf(id), [], 'the snapshots');
    });
    const named = await largestNamed(message, async (ratio) => {
      return (await api.post(path, { ratio, dry_run: true })).status < 300;
    });
    await check('a-larger-one-does-not', async () => {
      const reply = await api.post(path, { ratio: 1.05 * (named ?? 1) });
      if (named === undefined) throw new Mismatch(`the refusal names the largest ratio that works: ${message}`);
      expectError(reply, 'compress_infeasible', { param: 'ratio' });
    });
    await check('named-ratio-works', async () => {
      if (named === undefined) throw new Mismatch(`the refusal names a ratio that works: ${message}`);
      const { after } = expectBody(await api.post(path, { ratio: named }), SessionCompression);
      const most = Math.floor(before.session.usage.total_tokens / named);
      expectTrue(after.total_tokens <= most, `at most ${most} tokens are left, not ${after.total_tokens}`);
    });
  },
});

/** The largest number in the message that is a ratio and works. */
async function largestNamed(message: string, works: (ratio: number) => Promise<boolean>): Promise<number | undefined> {
  const numbers = [...message.matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits));
  for (const ratio of numbers.filter((number) => number > 1 && number < 20).toSorted((a, b) => b - a)) {
    if (await works(ratio)) return ratio;
  }
  return undefined;
}

/** Less than this is not worth a summary. */
const LEAST_REPLACED = 64;

export const compressNoOp = defineCase({
  id: 'compress.no-op',
  title: 'with little to replace a compress does nothing',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'one-token-less-is-left achieved-is-one no-snapshot from-64-on-it-acts': 'compress.no-op',
    'pins-are-not-replaceable empty-window-succeeds': 'compress.no-op',
  },
  async run({ api, texts, check }) {
    const compress = async (id: string) => api.post(`/sessions/${id}/compress`, { ratio: 1.01 });
    const holding = async (tokens: number, pinned: number) => {
      const { id } = await api.createSession();
      if (pinned > 0) await api.append(id, { ...user(await texts.exactly(pinned)), pinned: true });
      await api.append(id, user(await texts.exactly(tokens)));
      return api.stateOf(id);
    };
    const before = await holding(LEAST_REPLACED - 1, 0);
    const { id } = before.session;
    const reply = await compress(id);
    await check('one-token-less-is-left', async () => {
      expectBody(reply, SessionCompression);
      await api.expectUnchanged(before);
    });
    await check('achieved-is-one', () => {
      const { ratio, summary, before: first, after } = expectBody(reply, SessionCompression);
      expectEqual([ratio.achieved, summary, after], [1, null, first], 'achieved, summary and after');
    });
    await check('no-snapshot', async () => {
      expectEqual(expectBody(reply, SessionCompression).snapshot_id, null, 'snapshot_id');
      expectEqual(await api.snapshotsOf(id), [], 'the snapshots');
    });
    await check('pins-are-not-replaceable', async () => {
      const pinned = await holding(LEAST_REPLACED - 1, LEAST_REPLACED);
      expectBody(await compress(pinned.session.id), SessionCompression);
      await api.expectUnchanged(pinned);
    });
    await check('from-64-on-it-acts', async () => {
      // A pin makes the window large enough for a summary; where there is none that small, that is to be said.
      const { session } = await holding(LEAST_REPLACED, LEAST_REPLACED);
      const acted = await compress(session.id);
      if (acted.status === 400) expectError(acted, 'compress_infeasible', { param: 'ratio' });
      else expectTrue(expectBody(acted, SessionCompression).summary !== null, 'a success comes with a summary');
    });
    await check('empty-window-succeeds', async () => {
      const empty = await api.createSession();
      const { ratio, version } = expectBody(await compress(empty.id), SessionCompression);
      expectEqual([ratio.achieved, version], [1, empty.version], 'achieved and version of an empty window');
    });
  },
});

export const compressOpenCall = defineCase({
  id: 'compress.open-call',
  title: 'a compress with an open call is refused',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot'],
  checks: {
    'refused said-before-anything-else': 'compress.open-call',
    'refused-unchanged': 'compress.refused-unchanged',
    'accepted-once-answered': 'compress.open-call',
  },
  async run({ api, check }, context) {
    const { id } = await api.createSession();
    await appendFacts(context, id, facts(30));
    await api.append(id, toolCall('call_1'));
    const path = `/sessions/${id}/compress`;
    const before = await api.stateOf(id);
    await check('refused', async () => {
      const message = expectError(await api.post(path, { ratio: 2 }), 'tool_call_unanswered');
      expectTrue(message.includes('call_1'), `the refusal names the open call: ${message}`);
    });
    await check('refused-unchanged', async () => {
      await api.expectUnchanged(before);
      expectEqual(await api.snapshotsOf(id), [], 'the snapshots');
    });
    await check('said-before-anything-else', async () => {
      // Here there is too little to replace as well.
      const small = await api.createSession();
      await api.append(small.id, toolCall('call_1'));
      expectError(await api.post(`/sessions/${small.id}/compress`), 'tool_call_unanswered');
    });
    await api.append(id, toolResult('call_1'));
    await check('accepted-once-answered', async () => {
      expectTrue(
        expectBody(await api.post(path, { ratio: 2 }), SessionCompression).summary !== null,
        'there is a summary',
      );
    });
  },
});

export const compressRequest = defineCase({
  id: 'compress.request',
  title: 'valid and invalid ratios and formats',
  needs: ['sessions', 'sessions.append', 'sessions.compress'],
  checks: {
    'smallest-ratio-accepted largest-ratio-accepted other-ratios-refused': 'compress.ratio-range',
    'unknown-format-refused formats-listed': 'compress.format-unknown',
    'under-minimum-refused': 'compress.minimum',
    'refused-unchanged': 'compress.refused-unchanged',
    'outline-by-default': 'compress.default-format',
  },
  async run({ api, limits, check }, context) {
    const { id } = await api.createSession();
    await appendFacts(context, id, facts(24));
    const path = `/sessions/${id}/compress`;
    const before = await api.stateOf(id);
    const rehearse = (fields: object) => api.post(path, { ...fields, dry_run: true });
    await check('smallest-ratio-accepted', async () => expectBody(await rehearse({ ratio: 1.01 }), SessionCompression));
    await check('largest-ratio-accepted', async () => {
      // It is in range; whether so little can hold a summary is another matter.
      const reply = await rehearse({ ratio: limits.compress_ratio_max });
      if (reply.status === 400) expectError(reply, 'compress_infeasible', { param: 'ratio' });
      else expectBody(reply, SessionCompression);
    });
    await check('other-ratios-refused', async () => {
      for (const ratio of [1, 0.5, 0, -4, limits.compress_ratio_max + 0.5, '4']) {
        expectError(await api.post(path, { ratio }), 'invalid_request', { param: 'ratio' });
      }
    });
    let message = '';
    await check('unknown-format-refused', async () => {
      message = expectError(await api.post(path, { format: 'haiku' }), 'invalid_request', { param: 'format' });
    });
    await check('formats-listed', () => {
      const missing = ['outline', 'json', 'text'].filter((format) => !message.includes(format));
      expectEqual(missing, [], `formats that the refusal does not list: ${message}; missing`);
    });
    await check('under-minimum-refused', async () => {
      const least = limits.min_preserve_tokens;
      expectBelowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
    });
    await check('refused-unchanged', () => api.expectUnchanged(before));
    await check('outline-by-default', async () => {
      expectEqual(expectBody(await api.post(path), SessionCompression).format, 'outline', 'the format');
    });
  },
});
