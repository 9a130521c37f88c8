import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { createSession, getSession, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { broken, stream, written } from './stream.ts';

export const linesIfMatch = defineCase({
  id: 'lines.if-match',
  title: 'If-Match is compared once, before the first line',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'versioning'],
  checks: {
    'several-lines-accepted': 'lines.if-match',
    'stale-refused': 'lines.if-match',
    'stale-changes-nothing': 'lines.if-match',
  },
  async run(trial) {
    const { api } = trial;
    const { id, version } = await createSession(api);
    const lines = [user('one'), user('two'), user('three')];
    const headers = { 'If-Match': `"${version}"` };
    await trial.need('several-lines-accepted', async () => {
      equal(written(await stream(api, id, lines, headers)).end.lines, lines.length, 'the lines counted');
    });
    const before = await stateOf(api, id);
    const reply = await stream(api, id, lines, headers);
    await trial.check('stale-refused', () => refused(reply, 'version_conflict'));
    await trial.check('stale-changes-nothing', () => unchanged(api, before));
  },
});

export const linesResend = defineCase({
  id: 'lines.resend',
  title: 'a stream sent again under its key writes only what is not written yet',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'idempotency', 'versioning'],
  checks: {
    'acknowledged-again': 'lines.resend',
    'written-once': 'lines.resend',
    'rest-written': 'lines.resend',
    'goes-on-after-error': 'lines.resend',
    'key-before-version': 'lines.resend',
    'other-bytes-later': 'lines.key-bytes',
    'other-bytes-first': 'lines.key-bytes',
  },
  async run(trial) {
    const { api } = trial;
    const { id, version } = await createSession(api);
    const headers = { 'Idempotency-Key': trial.nonce() };
    const first = written(await stream(api, id, [user('one'), user('two')], headers));
    const again = await stream(api, id, [user('one'), user('two')], headers);
    await trial.check('acknowledged-again', () => {
      equal(written(again).acknowledged, first.acknowledged, 'the acknowledgements of the same lines');
    });
    await trial.check('written-once', async () => {
      equal((await getSession(api, id)).usage.messages, 2, 'the messages of the window');
    });
    await trial.check('rest-written', async () => {
      const { acknowledged, end } = written(await stream(api, id, [user('one'), user('two'), user('three')], headers));
      equal(acknowledged.slice(0, 2), first.acknowledged, 'the acknowledgements of the lines sent before');
      equal(end.lines, 3, 'the lines counted');
      equal(await contents(), ['one', 'two', 'three'], 'the contents of the window');
    });
    await trial.check('goes-on-after-error', async () => {
      const key = { 'Idempotency-Key': trial.nonce() };
      broken(await stream(api, id, [user('four'), user('')], key), 'invalid_request');
      equal(written(await stream(api, id, [user('four'), user('five')], key)).end.lines, 2, 'the lines counted');
      equal((await contents()).slice(-2), ['four', 'five'], 'the contents of the window');
    });
    await trial.check('key-before-version', async () => {
      const versions = (await getSession(api, id)).version;
      const guarded = { 'Idempotency-Key': trial.nonce(), 'If-Match': `"${versions}"` };
      const once = written(await stream(api, id, [user('six')], guarded));
      equal(written(await stream(api, id, [user('six')], guarded)).acknowledged, once.acknowledged, 'acknowledgements');
      equal(version < versions, true, 'the lines moved the version on');
    });
    const before = await stateOf(api, id);
    await trial.check('other-bytes-later', async () => {
      const reply = await stream(api, id, [user('one'), user('zwei')], headers);
      equal(broken(reply, 'idempotency_mismatch').length, 1, 'the lines acknowledged');
      await unchanged(api, before);
    });
    await trial.check('other-bytes-first', async () => {
      refused(await stream(api, id, [user('eins')], headers), 'idempotency_mismatch');
      await unchanged(api, before);
    });

    async function contents(): Promise<unknown[]> {
      return (await windowOf(api, id)).map(({ content }) => content);
    }
  },
});
