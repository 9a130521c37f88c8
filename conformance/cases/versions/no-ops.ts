import { SessionCompression, SessionTruncation } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused, succeeded } from '../../core/expect.ts';
import { layGround, TOOL } from '../../wire/changes.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';

export const versionsNoOps = defineCase({
  id: 'versions.no-ops',
  title: 'what changes nothing leaves the version',
  needs: ['sessions', 'sessions.append', 'versioning'],
  checks: {
    'same-title': 'versions.no-op',
    'same-metadata': 'versions.no-op',
    'same-tools': 'versions.no-op',
    'no-field': 'versions.no-op',
    'pin-as-it-is': 'versions.no-op',
    refusals: 'versions.refusal',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const given = { title: 'A title', metadata: { a: '1' }, tools: [TOOL] };
    const { id } = await createSession(api, { ...given, messages: [user('The first message.')] });
    const path = `/sessions/${id}`;
    const before = await stateOf(api, id);
    const message = `${path}/messages/${before.messages[0]?.id}`;
    const leaves = async (to: string, body: object) => {
      succeeded(await api.post(to, body));
      await unchanged(api, before);
    };
    await trial.check('same-title', () => leaves(path, { title: given.title }));
    await trial.check('same-metadata', () => leaves(path, { metadata: given.metadata }));
    await trial.check('same-tools', () => leaves(path, { tools: given.tools }));
    await trial.check('no-field', () => leaves(path, {}));
    await trial.check('pin-as-it-is', () => leaves(message, { pinned: false }));
    await trial.check('refusals', async () => {
      refused(await api.post(path, { title: 5 }), 'invalid_request');
      refused(
        await api.post(`${path}/messages`, { role: 'tool', tool_call_id: 'nobody', content: 'x' }),
        'tool_result_orphan',
      );
      refused(
        await api.post(`${path}/messages`, user(await texts.exactly(limits.append_tokens + 1))),
        'append_too_large',
      );
      refused(await api.post(`${path}/messages/${id}`, { pinned: true }), 'message_not_found');
      await unchanged(api, before);
      await append(api, id, user('This one is good.'));
    });
  },
});

export const versionsTruncations = defineCase({
  id: 'versions.truncations',
  title: 'truncations that cut nothing leave the version',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate', 'versioning'],
  checks: { rehearsal: 'versions.dry-run', 'nothing-to-cut': 'versions.no-op', 'too-little-kept': 'versions.refusal' },
  async run(trial) {
    const { api, limits } = trial;
    const { session: id } = await layGround(trial, { finds: 'long' });
    const before = await stateOf(api, id);
    const truncate = (body: object) => api.post(`/sessions/${id}/truncate`, body);
    const least = limits.min_preserve_tokens;
    await trial.check('rehearsal', async () => {
      const { version } = answered(await truncate({ preserve_len: least, dry_run: true }), SessionTruncation);
      equal(version, before.session.version, 'the version that a rehearsal names');
      await unchanged(api, before);
    });
    await trial.check('nothing-to-cut', async () => {
      const { version } = answered(
        await truncate({ preserve_len: before.session.usage.total_tokens }),
        SessionTruncation,
      );
      equal(version, before.session.version, 'the version after nothing was cut');
      await unchanged(api, before);
    });
    await trial.check('too-little-kept', async () => {
      refused(await truncate({ preserve_len: least - 1 }), 'preserve_len_too_small');
      await unchanged(api, before);
      answered(await truncate({ preserve_len: least }), SessionTruncation);
    });
  },
});

export const versionsCompressions = defineCase({
  id: 'versions.compressions',
  title: 'compressions that replace nothing leave the version',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'tokens.estimate', 'versioning'],
  checks: { rehearsal: 'versions.dry-run', 'nothing-to-replace': 'versions.no-op' },
  async run(trial) {
    const { api } = trial;
    const { session: id } = await layGround(trial, { finds: 'long' });
    await trial.check('rehearsal', async () => {
      const before = await stateOf(api, id);
      const reply = await api.post(`/sessions/${id}/compress`, { ratio: 2, dry_run: true });
      equal(answered(reply, SessionCompression).version, before.session.version, 'the version that a rehearsal names');
      await unchanged(api, before);
    });
    await trial.check('nothing-to-replace', async () => {
      const tiny = await createSession(api, { messages: [user('The only message.')] });
      const before = await stateOf(api, tiny.id);
      answered(await api.post(`/sessions/${tiny.id}/compress`, { ratio: 2 }), SessionCompression);
      await unchanged(api, before);
    });
  },
});
