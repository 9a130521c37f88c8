import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { user } from '../../wire/sessions.ts';
import { appendFacts, facts } from '../../wire/windows.ts';

const SCOPES = { restored: '', archived: '?scope=archived' } as const;

/** What the kit asks of a message beside its content: a snapshot lists it as the window does. */
export const flagsCase: Case = defineCase({
  id: 'snapshots.flags',
  title: 'a snapshot lists summaries, pins and cut texts as the window does',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.snapshot',
    'sessions.compress',
    'sessions.truncate',
    'tokens.estimate',
  ],
  checks: {
    'restored-summary restored-pinned restored-truncated': 'snapshots.whole-by-default',
    'archived-summary archived-pinned archived-truncated': 'snapshots.archives-all',
  },
  async run({ api, limits, texts, check }, context) {
    const least = limits.min_preserve_tokens;
    const { id } = await api.createSession();
    await appendFacts(context, id, facts(24));
    await api.append(id, { ...user('Stays.'), pinned: true });
    expectSuccess(await api.post(`/sessions/${id}/compress`, { ratio: 2 }));
    const compressed = { window: await api.windowOf(id), snapshot: await api.createSnapshot(id) };
    await api.append(id, user(await texts.exactly(Math.floor(1.5 * least), 'The log:')));
    expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least + 11 }));
    const cut = { window: await api.windowOf(id), snapshot: await api.createSnapshot(id) };
    for (const [name, scope] of Object.entries(SCOPES) as [keyof typeof SCOPES, string][]) {
      for (const flag of ['summary', 'pinned', 'truncated'] as const) {
        const { window, snapshot } = flag === 'truncated' ? cut : compressed;
        await check(`${name}-${flag}`, async () => {
          expectTrue(
            window.some((message) => message[flag]),
            `the window has a message with ${flag}`,
          );
          const listed = await api.readMessages(`/snapshots/${snapshot.id}/messages${scope}`);
          const flags = (messages: typeof window) => messages.map((message) => message[flag]);
          expectEqual(flags(listed), flags(window), `${flag} of the messages`);
        });
      }
    }
  },
});
