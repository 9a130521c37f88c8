import type { Spend, SpendOfBook } from './spend.ts';

/** What `Spend` says as text for a terminal, line by line. */
export function renderSpend(spend: Spend): string[] {
  const { total, sessions, left_out, currency } = spend;
  if (total.turns === 0) return ['Nothing has been spent.'];
  return [
    headline('In total', total, currency),
    ...indented(total.arithmetic),
    ...sessions.flatMap((session) => [
      '',
      headline(session.session_id, session, currency),
      ...indented(session.arithmetic),
    ]),
    ...leftOut(left_out.sessions, sessions.length),
    '',
    'stateless: the same turns by a client that sends all it ever wrote, uncut; after a rollback, all up to the snapshot.',
  ];
}

function leftOut(count: number, shown: number): string[] {
  if (count === 0) return [];
  const which = count === 1 ? '1 session that was' : `${count} sessions that were`;
  return ['', `${which} billed longer ago ${count === 1 ? 'is' : 'are'} left out: limit=${count + shown} shows all`];
}

function headline(title: string, { turns, cost, stateless }: SpendOfBook, currency: string): string {
  const others = `stateless ${money(stateless.cost_without_cache)} without cache, ${money(stateless.cost_with_cache)} with it`;
  const beyond = stateless.turns_beyond_window > 0 ? ` for ${stateless.turns} of them` : '';
  return `${title}: ${money(cost)} ${currency} for ${turns} ${turns === 1 ? 'turn' : 'turns'}; ${others}${beyond}`;
}

function money(amount: number): string {
  return amount.toLocaleString('en-US', { minimumFractionDigits: 6, maximumFractionDigits: 12, useGrouping: false });
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
