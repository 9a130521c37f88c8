import type { EmulatorOptions } from '../../emulator/index.ts';
import type { Api, Call, Transport } from '../support/emulator.ts';
import { MODEL } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { type SessionUnderTest, startSession } from '../support/session.ts';

/** How a request has ended, as its client sees it. */
interface Outcome {
  /** Undefined where no answer came. */
  status: number | undefined;
  /** All that arrived of the answer. */
  bytes: Buffer;
  text: string;
  /** The error that the client was left with, and its cause's code. */
  failed: string | undefined;
}

export const RESET = 'fetch failed: ECONNRESET';
export const BROKEN_OFF = 'terminated: UND_ERR_SOCKET';

/** Sees a request to its end: an answer, or a connection that breaks, and what had arrived before. */
export async function outcomeOf(request: Promise<Response>): Promise<Outcome> {
  const parts: Uint8Array[] = [];
  let status: number | undefined;
  let failed: string | undefined;
  try {
    const response = await request;
    status = response.status;
    for await (const part of response.body ?? []) parts.push(part);
  } catch (error) {
    const { message, cause } = error as Error;
    failed = `${message}: ${(cause as { code?: string } | undefined)?.code}`;
  }
  const bytes = Buffer.concat(parts);
  return { status, bytes, text: bytes.toString(), failed };
}

/** An emulator that says `text` to everything, and a session in it with one message. */
export async function startFaulty(
  transport: Transport,
  { text = 'one two 你好', ...options }: EmulatorOptions & { text?: string } = {},
): Promise<SessionUnderTest> {
  const session = await startSession(transport, { model: saying(text), streamChunkSize: 4, ...options });
  await session.append({ role: 'user', content: 'The pilot is called Ines Duarte.' });
  return session;
}

export function openChat(api: Api, body: object, call: Call = {}): Promise<Response> {
  const whole = { model: MODEL, messages: [{ role: 'user', content: 'hi' }], ...body };
  return openJson(api, '/v1/chat/completions', whole, call);
}

export function openJson(api: Api, path: string, body: object, call: Call = {}): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', ...call.headers };
  return api.open('POST', path, JSON.stringify(body), { ...call, headers });
}
