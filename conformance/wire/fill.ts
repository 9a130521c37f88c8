import type { Trial } from '../core/trial.ts';
import { Fault } from '../core/verdict.ts';
import { append, getSession, user } from './dialect.ts';

/** Less than any message with a word of text counts in any vocabulary. */
const LEAST_MESSAGE = 16;

/**
 * Fills a window until its usage is exactly `total`, by writes as large as are allowed.
 * @throws Mismatch, Fault where that does not come about
 */
export async function fillWindow(trial: Trial<string>, id: string, total: number, write?: number): Promise<void> {
  const { api, limits, texts } = trial;
  const most = write ?? limits.append_tokens;
  let { total_tokens: used } = (await getSession(api, id)).usage;
  while (used < total) {
    const rest = total - used;
    // What is left after this write must be enough for another.
    const tokens = rest <= most ? rest : Math.min(most, rest - LEAST_MESSAGE);
    const { usage } = await append(api, id, user(await texts.exactly(tokens)));
    if (usage.total_tokens <= used) throw new Fault(`the usage of ${id} does not grow`);
    used = usage.total_tokens;
  }
}
