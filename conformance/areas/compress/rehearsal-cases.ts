import { SessionCompression, SessionTruncation } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual } from '../../core/expect.ts';
import { appendFacts, facts, TOOL } from '../../wire/windows.ts';

/** A rehearsal tells what is done next with the same options, whichever these are. */

type Options = (limits: { min_preserve_tokens: number }) => object;

const REHEARSED: Readonly<Record<string, { route: 'compress' | 'truncate'; options: Options }>> = {
  'compress-ratio': { route: 'compress', options: () => ({ ratio: 2.5 }) },
  'compress-json': { route: 'compress', options: () => ({ ratio: 2, format: 'json' }) },
  'compress-text': { route: 'compress', options: () => ({ ratio: 2, format: 'text' }) },
  'compress-preserving': {
    route: 'compress',
    options: ({ min_preserve_tokens }) => ({ ratio: 1.5, preserve_len: min_preserve_tokens }),
  },
  'compress-preserving-text': {
    route: 'compress',
    options: ({ min_preserve_tokens }) => ({ ratio: 1.5, format: 'text', preserve_len: min_preserve_tokens }),
  },
  'truncate-least': {
    route: 'truncate',
    options: ({ min_preserve_tokens }) => ({ preserve_len: min_preserve_tokens }),
  },
  'truncate-more': {
    route: 'truncate',
    options: ({ min_preserve_tokens }) => ({ preserve_len: Math.floor(1.7 * min_preserve_tokens) }),
  },
};

function rehearsalCase(name: string, { route, options }: { route: 'compress' | 'truncate'; options: Options }): Case {
  return defineCase<string>({
    id: `compress.rehearsal-${name}`,
    title: `a rehearsal tells what the change does: ${name}`,
    needs: ['sessions', 'sessions.append', `sessions.${route}`, 'tokens.estimate'],
    checks: { 'as-rehearsed': route === 'compress' ? 'compress.dry-run' : 'truncate.dry-run' },
    cost: () => ({ requests: 60 }),
    async run(context) {
      const { api, limits, check } = context;
      const { id } = await api.createSession({ tools: [TOOL] });
      await appendFacts(context, id, facts(60));
      const shape = route === 'compress' ? SessionCompression : SessionTruncation;
      const send = async (dry_run: boolean) => {
        const reply = await api.post(`/sessions/${id}/${route}`, { ...options(limits), dry_run });
        const { version: _, snapshot_id: _taken, ...answer } = expectBody(reply, shape) as Record<string, unknown>;
        // The message is made when it is written.
        const { created_at: _made, ...summary } = (answer.summary ?? {}) as Record<string, unknown>;
        return { ...answer, summary, dry_run: null };
      };
      const rehearsed = await send(true);
      await check('as-rehearsed', async () => expectEqual(await send(false), rehearsed, 'what was done'));
    },
  });
}

export const REHEARSAL_CASES: readonly Case[] = Object.entries(REHEARSED).map(([name, one]) =>
  rehearsalCase(name, one),
);
