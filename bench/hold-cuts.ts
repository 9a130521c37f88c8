import type { Tokenizer, TokenizerSource } from '../emulator/engines/tokens/tokenizer.ts';
import { createEmulator } from '../emulator/index.ts';
import { worstTexts } from './tokens-texts.ts';

const BYTES = 4 * 2 ** 20 - 2_000;
const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
/** As low as a window may be cut, and a quarter of the largest. */
const BUDGETS = [4_096, 65_536];
const PRESERVE_LEN = 4_096;
/** With its frame, the most that one append takes. */
const MESSAGE_TOKENS = 8_188;

/** Texts as long as a body may be, of one kind each. */
export function longTexts(): [name: string, text: string][] {
  return Object.entries(worstTexts()).map(([name, text]) => {
    const bytes = Buffer.from(text.repeat(5));
    return [name, new TextDecoder().decode(bytes.subarray(0, BYTES)).replace(/\ufffd+$/, '')];
  });
}

/** Cuts a text to its head and to its tail. */
export function cuts(tokenizer: Tokenizer, text: string): (() => Promise<unknown>)[] {
  return BUDGETS.flatMap((budget) => [
    () => tokenizer.prefixWithin(text, budget),
    () => tokenizer.suffixWithin(text, budget),
  ]);
}

/** Requests to a session whose newest message is as much of the text as one may append, each of which has to cut it. */
export async function cuttingRequests(source: TokenizerSource, text: string) {
  const emulator = createEmulator({ tokenizer: source });
  const content = await (await source.load()).prefixWithin(text, MESSAGE_TOKENS);
  const post = async (path: string, body: object) => {
    const request = { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
    const response = await emulator.fetch(`${emulator.baseURL}${path}`, request);
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { id: string };
  };
  const { id } = await post('/sessions', { messages: [{ role: 'user', content }] });
  const path = `/sessions/${id}`;
  const { id: snapshot_id } = await post(`${path}/snapshots`, {});
  const preserve_len = PRESERVE_LEN;
  return {
    requests: [
      () => post(`${path}/truncate`, { preserve_len, dry_run: true }),
      () => post(`${path}/snapshots`, { preserve_len }),
      () => post('/sessions', { snapshot_id, preserve_len }),
      () => post(`${path}/rollback`, { snapshot_id, preserve_len }),
    ],
    close: () => emulator.close(),
  };
}
