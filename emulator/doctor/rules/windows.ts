import type { JournalEntry } from '../../journal/entries.ts';
import { bad, fine, fineAll, inOrder, type Rule, some, tokens } from '../finding.ts';
import type { Run } from '../run.ts';

/** Shares of a limit at which findings start. */
const NEAR_APPEND = 0.9;
const NEAR_WINDOW = 0.9;
const LARGE_WINDOW = 0.5;
/** Consecutive turns reading a large window after which a summary pays. */
const MANY_READS = 3;

export const appendSize: Rule = {
  name: 'append-size',
  target: 'sessions',
  judge({ entries, limits }: Run) {
    const most = limits.append_tokens;
    const refused = entries.filter(({ code }) => code === 'append_too_large');
    const split = 'split long texts before writing them, or stream them as application/x-ndjson, one message per line';
    const near = entries.filter((entry) => writtenBy(entry) >= NEAR_APPEND * most);
    const largest = Math.max(0, ...entries.map(writtenBy));
    const limit = most.toLocaleString('en-US');
    if (refused.length + near.length === 0) {
      return fine(largest === 0 ? 'no writes' : `the largest write used ${tokens(largest)} of ${limit}`);
    }
    const says = [
      refused.length > 0 && `${some(refused.length, 'write')} refused: over ${tokens(most)}`,
      near.length > 0 &&
        `${some(near.length, 'write')} of up to ${tokens(largest)}, near the limit of ${limit}: a longer text or another tokenizer exceeds it`,
    ];
    return bad(
      refused.length > 0 ? 'error' : 'warning',
      says.filter(Boolean).join('; '),
      split,
      inOrder(refused, near),
    );
  },
};

/** Tokens of one write; the first messages of a session count as one. */
function writtenBy({ facts: { wrote, created }, answer }: JournalEntry): number {
  if (wrote) return wrote.lines === undefined ? wrote.tokens : 0;
  if (!created || created.from_snapshot !== undefined || created.from_share !== undefined) return 0;
  const [, total = 0, tools = 0] = /"usage":\{"total_tokens":(\d+),"tools_tokens":(\d+)/.exec(answer ?? '') ?? [];
  return Number(total) - Number(tools);
}

export const windowCut: Rule = {
  name: 'window-cut',
  target: 'everywhere',
  judge(run: Run) {
    const fix =
      'check usage.total_tokens after each turn: above a threshold take a snapshot (with preserve_len), then truncate or compress; without sessions drop old messages';
    const uncut = run.sessions().flatMap((entries) => lastOfUncut(entries));
    const refused = run.refused('context_window_exceeded').filter((entry) => !run.asksTooMuch(entry));
    const full = uncut.filter((entry) => totalOf(entry) >= NEAR_WINDOW * run.windowOf(entry));
    if (refused.length + full.length > 0) {
      const says = [
        refused.length > 0 && `${some(refused.length, 'request')} refused: the window was full`,
        full.length > 0 && `${some(full.length, 'session')} nearly full and never cut since`,
      ];
      return bad('error', says.filter(Boolean).join('; '), fix, inOrder(refused, full));
    }
    const large = uncut.filter((entry) => totalOf(entry) >= LARGE_WINDOW * run.windowOf(entry));
    const prompts = run.entries.filter((entry) => {
      const { turn } = entry.facts;
      return entry.session === undefined && turn && turn.usage.prompt_tokens >= NEAR_WINDOW * run.windowOf(entry);
    });
    if (large.length + prompts.length === 0) return fine('every window that filled up was cut');
    const says = [
      large.length > 0 && `${some(large.length, 'session')} over half full and never cut since`,
      prompts.length > 0 && `${some(prompts.length, 'prompt')} without a session nearly filled the window`,
    ];
    return bad('warning', says.filter(Boolean).join('; '), fix, inOrder(large, prompts));
  },
};

/** The entry that made a session largest since it was last cut. */
function lastOfUncut(entries: readonly JournalEntry[]): JournalEntry[] {
  const cut = entries.findLastIndex(({ facts }) => facts.cut ?? facts.compressed);
  const writes = entries.slice(cut + 1).filter(({ facts }) => facts.wrote !== undefined);
  const largest = writes.toSorted((a, b) => totalOf(b) - totalOf(a))[0];
  return !largest || writes.length < 2 ? [] : [largest];
}

function totalOf({ facts }: JournalEntry): number {
  return facts.wrote?.total ?? 0;
}

export const readAgain: Rule = {
  name: 'read-again',
  target: 'everywhere',
  judge(run: Run) {
    const isLarge = (entry: JournalEntry, read: number) => read >= LARGE_WINDOW * run.windowOf(entry);
    const longest =
      run.lives.map((entries) => longestRow(entries, isLarge)).toSorted((a, b) => b.length - a.length)[0] ?? [];
    if (longest.length < MANY_READS) return fine('no large window was read repeatedly');
    const read = longest.reduce((sum, { usage }) => sum + (usage?.prompt_tokens ?? 0), 0);
    const says = `${longest.length} turns in a row read more than half a window each: ${tokens(read)} of input`;
    return bad(
      'warning',
      says,
      'compress (or truncate) once before the turns that do not need all of it: a cut costs one more read, an uncut window is paid for at every turn',
      longest,
    );
  },
};

/** The longest run of turns of one session, or of one account without sessions, that read many tokens. */
function longestRow(
  entries: readonly JournalEntry[],
  isLarge: (entry: JournalEntry, read: number) => boolean,
): JournalEntry[] {
  const rows = new Map<string, JournalEntry[]>();
  let longest: JournalEntry[] = [];
  for (const entry of entries) {
    const { cut, compressed, turn } = entry.facts;
    const place = entry.session ?? `account ${entry.account}`;
    const row = rows.get(place) ?? [];
    if (cut ?? compressed) rows.delete(place);
    if (!turn) continue;
    const next = isLarge(entry, turn.usage.prompt_tokens) ? [...row, entry] : [];
    rows.set(place, next);
    if (next.length > longest.length) longest = next;
  }
  return longest;
}

export const snapshotLength: Rule = {
  name: 'snapshot-length',
  target: 'sessions',
  judge({ entries }: Run) {
    const taken = entries.filter(({ facts }) => facts.snapshot !== undefined);
    const whole = taken.filter(({ facts }) => facts.snapshot?.preserve_len === null);
    if (whole.length === 0) return fineAll(taken.length, 'snapshot', ' taken, all with preserve_len');
    const says = `${some(whole.length, 'snapshot')} taken without preserve_len: a rollback restores the whole window, however full it was`;
    return bad(
      'warning',
      says,
      'set preserve_len: the whole window is archived in any case, and "preserve_len": "all" restores it when needed',
      whole,
    );
  },
};
