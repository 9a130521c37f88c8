import type { Capability } from '../../../contract/capabilities.ts';
import { listOf } from '../../../contract/lists.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectSuccess } from '../../core/expect.ts';
import { user } from '../../wire/sessions.ts';
import { mixedWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

/** A snapshot is the same wherever it is shown, however it was taken and whatever was done with it. */

interface Taken {
  readonly needs: readonly Capability[];
  take(context: CaseContext<string>, session: string): Promise<Snapshot>;
}

const TAKEN: Readonly<Record<string, Taken>> = {
  plain: { needs: [], take: ({ api }, id) => api.createSnapshot(id) },
  described: {
    needs: [],
    take: ({ api }, id) => api.createSnapshot(id, { name: 'Before lunch', metadata: { colour: 'blue' } }),
  },
  'preserving-some': {
    needs: [],
    take: ({ api, limits }, id) =>
      api.createSnapshot(id, { preserve_len: Math.floor(1.3 * limits.min_preserve_tokens) }),
  },
  'after-a-cut': {
    needs: ['sessions.truncate'],
    async take({ api, limits }, id) {
      const preserve_len = Math.floor(1.3 * limits.min_preserve_tokens);
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      await api.append(id, user('After the cut.'));
      return api.createSnapshot(id);
    },
  },
  shared: {
    needs: ['sessions.share'],
    async take({ api }, id) {
      const { id: snapshot } = await api.createSnapshot(id);
      return expectBody(await api.post(`/snapshots/${snapshot}/share`, { expires_in: 3_600 }), Snapshot);
    },
  },
  unshared: {
    needs: ['sessions.share'],
    async take({ api }, id) {
      const { id: snapshot } = await api.createSnapshot(id);
      await api.share(snapshot);
      return expectBody(await api.delete(`/snapshots/${snapshot}/share`), Snapshot);
    },
  },
};

const PLACES = ['read', 'listed-of-session', 'listed-of-account'] as const;

function answerCase(name: string, { needs, take }: Taken): Case {
  return defineCase<string>({
    id: `snapshots.answer-${name}`,
    title: `a snapshot (${name}) is the same wherever it is shown`,
    needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate', ...needs],
    checks: {
      ...Object.fromEntries(PLACES.map((place) => [place, place === 'read' ? 'snapshots.object' : 'lists.whole'])),
      archived: 'snapshots.usage',
    },
    cost: () => ({ requests: 60 }),
    async run(context) {
      const { api, check } = context;
      const { session } = await mixedWindow(context, { tools: [TOOL, OTHER_TOOL] });
      const taken = await take(context, session.id);
      const { total_tokens, messages } = (await api.getSession(session.id)).usage;
      await check('read', async () => {
        expectEqual(expectBody(await api.get(`/snapshots/${taken.id}`), Snapshot), taken, 'the snapshot as it is read');
      });
      for (const [place, path] of [
        ['listed-of-session', `/sessions/${session.id}/snapshots`],
        ['listed-of-account', '/snapshots'],
      ] as const) {
        await check(place, async () => {
          const { data } = expectBody(await api.get(`${path}?limit=20`), listOf(Snapshot));
          expectEqual(
            data.find(({ id }) => id === taken.id),
            taken,
            `the snapshot in GET ${path}`,
          );
        });
      }
      await check('archived', () => expectEqual(taken.archived, { total_tokens, messages }, 'what it archives'));
    },
  });
}

export const ANSWER_CASES: readonly Case[] = Object.entries(TAKEN).map(([name, taken]) => answerCase(name, taken));
