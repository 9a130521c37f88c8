import type { Session } from '../../contract/sessions.ts';
import { newState, readState } from '../checkpoint.ts';
import { thresholds } from '../decide.ts';
import { Events } from '../events.ts';
import type { KimiClient } from '../kimi-client.ts';
import { type RollingContext, type RollingEvents, send } from './context.ts';
import { Density } from './density.ts';
import { Ledger } from './ledger.ts';
import { markOf } from './reconcile.ts';
import { type RollingOptions, type Settings, toSettings } from './settings.ts';

/** Goes on where the checkpoint says, or begins. Only reads where there is a session already. */
export async function openContext(client: KimiClient, options: RollingOptions): Promise<RollingContext> {
  const settings = toSettings(options);
  const events = new Events<RollingEvents>();
  const saved = readState(await options.checkpoint?.load());
  const ledger = new Ledger(saved ?? newState(), options.checkpoint);
  const known = ledger.state.session?.id ?? options.sessionId;
  // Nothing is created before it is written down under which name, so that it can be found again.
  if (!saved) await ledger.save({});
  const session =
    known === undefined
      ? await create({ client, settings, events }, ledger, options, saved !== undefined)
      : await client.sessions.retrieve(known, { signal: options.signal });
  requireRoom(settings, session);
  await adopt(ledger, session);
  const { limits } = session;
  return { client, settings, ledger, events, limits, density: new Density(limits.append_tokens) };
}

/** Takes over where the session stands, unless something is pending that was meant for the version before. */
async function adopt(ledger: Ledger, session: Session): Promise<void> {
  const { settled, session: mark, write, shrink, rollback } = ledger.state;
  const pending = write !== null || shrink !== null || rollback !== null;
  if (mark && (pending || mark.version === session.version) && settled.weak < 2) return;
  await ledger.save({
    session: mark && pending ? mark : markOf(session, mark?.open ?? false),
    // Whoever opens it again may have changed what was wrong: one more try.
    settled: { ...settled, weak: Math.min(settled.weak, 1) },
  });
}

type Creating = Pick<RollingContext, 'client' | 'settings' | 'events'>;

/** Creates the session, or finds the one that a process which is gone had created. */
async function create(creating: Creating, ledger: Ledger, options: RollingOptions, resumed: boolean): Promise<Session> {
  const { client, settings, events } = creating;
  const { id } = ledger.state;
  const { instructions, tools, title, metadata, signal } = options;
  const body = {
    model: settings.model,
    metadata: { ...metadata, rolling_session: id },
    ...(title !== undefined && { title }),
    ...(tools && { tools }),
    ...(instructions !== undefined && { messages: [{ role: 'system' as const, content: instructions, pinned: true }] }),
  };
  const found = resumed ? await findSession(client, id, signal) : undefined;
  if (resumed) events.emit('resume', { what: 'session', outcome: found ? 'found' : 'sent' });
  if (found) return found;
  const { value } = await send(creating, { key: ledger.key(0, 'create'), signal }, (request) =>
    client.sessions.create(body, request),
  );
  return value;
}

async function findSession(client: KimiClient, id: string, signal?: AbortSignal): Promise<Session | undefined> {
  for await (const session of client.sessions.list({ limit: 100 }, { signal })) {
    if (session.metadata.rolling_session === id) return session;
  }
  return undefined;
}

function requireRoom({ preserveLen, maxKeep, maxTokens }: Settings, { limits }: Session): void {
  const { append_tokens: appendTokens, window_tokens: windowTokens, min_preserve_tokens: least } = limits;
  if (preserveLen < least)
    throw new RangeError(`preserveLen (${preserveLen}) must be at least ${least} on this server`);
  const { soft } = thresholds({ preserveLen, maxKeep, maxTokens, appendTokens, windowTokens, incoming: 0 });
  if (soft > preserveLen) return;
  throw new RangeError(
    `maxTokens (${maxTokens}) and one write (${appendTokens}) leave ${soft} tokens of the window (${windowTokens}); preserveLen (${preserveLen}) must be less`,
  );
}
