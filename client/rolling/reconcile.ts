import { contentText } from '../../contract/content-text.ts';
import type { InputMessage } from '../../contract/messages.ts';
import type { Session, SessionMessage } from '../../contract/sessions.ts';
import type { SessionMark } from '../checkpoint.ts';
import type { RollingContext } from './context.ts';
import { RollingSessionError } from './errors.ts';

/** How far back the outcome of a step is looked for. */
const MOST_NEWER = 400;
const PAGE = 100;

export interface Outcome {
  committed: boolean;
  /** The assistant's message, where the step was a turn that is committed and had an answer. */
  reply: SessionMessage | undefined;
  session: Session;
}

/**
 * What became of a write, read from the session itself. Needed where the server no longer remembers the write's key (24
 * hours), and has refused it because the session has changed since: by this write, or by another writer.
 * @throws RollingSessionError `diverged`
 */
export async function findOutcome(
  { client, ledger }: RollingContext,
  sent: readonly InputMessage[],
  isTurn: boolean,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const mark = ledger.session;
  const session = await client.sessions.retrieve(mark.id, { signal });
  const newer = session.usage.messages - mark.messages;
  if (newer < 0 || newer > MOST_NEWER) throw new RollingSessionError('diverged');
  const found: SessionMessage[] = [];
  if (newer > 0) {
    for await (const message of client.sessions.messages(mark.id, { order: 'desc', limit: PAGE }, { signal })) {
      found.unshift(message);
      if (found.length === newer) break;
    }
  }
  const start = found.findIndex((_, place) => sent.every((message, index) => isSame(message, found[place + index])));
  if (start === -1 || (sent.length === 0 && newer === 0)) return { committed: false, reply: undefined, session };
  const next = found[start + sent.length];
  const reply = isTurn && next?.role === 'assistant' ? next : undefined;
  return { committed: true, reply, session };
}

/** Where a session stands. */
export function markOf({ id, version, usage }: Pick<Session, 'id' | 'version' | 'usage'>, open: boolean): SessionMark {
  return { id, version, tokens: usage.total_tokens, messages: usage.messages, open };
}

function isSame(sent: InputMessage, stored: SessionMessage | undefined): boolean {
  if (!stored || stored.role !== sent.role) return false;
  const answers = sent.role === 'tool' ? sent.tool_call_id : undefined;
  return contentText(sent.content) === contentText(stored.content) && answers === stored.tool_call_id;
}
