import { RULES, type RuleId } from '../areas/rules.ts';
import type { Plan } from '../core/plan.ts';
import type { Capabilities } from '../core/probe.ts';
import { type Selection, select } from '../core/select.ts';

/** Every case with its checks and the rules they judge. */
export function listText(selection: Selection): string {
  const cases = select(selection).flatMap(({ id, title, scope, twoAccounts, checks }) => {
    const asks = [scope === 'account' && 'an account to itself', twoAccounts && 'a second account'].filter(Boolean);
    const head = `${id}  ${title}${asks.length > 0 ? ` (needs ${asks.join(' and ')})` : ''}`;
    return [head, ...Object.entries(checks).map(([name, clause]) => `  ${name}  ${ruleText(clause)}`), ''];
  });
  return `${cases.join('\n')}\n`;
}

function ruleText(clause: RuleId): string {
  const { level, evidence, text } = RULES[clause];
  return `${clause} [${level}, ${evidence}] ${text}`;
}

/** @param spending where the price is from */
export function planText(
  plan: Plan,
  { currency, priceSource }: { currency: string; priceSource: string },
  target: string,
): string {
  const { cases, checks, requests, promptTokens, completionTokens, money } = plan;
  return [
    `Plan for ${target}: ${cases} cases, ${checks} checks`,
    `  requests at most     ${requests.toLocaleString('en')}`,
    `  prompt tokens        ${promptTokens.toLocaleString('en')}`,
    `  completion tokens    ${completionTokens.toLocaleString('en')}`,
    `  money at most        ${money.toFixed(4)} ${currency}, as if nothing were cached`,
    `  prices               ${priceSource}`,
    '',
  ].join('\n');
}

export function capabilitiesText(capabilities: Capabilities): string {
  const rows = Object.entries(capabilities).map(
    ([name, { declared, probed, standing }]) =>
      `  ${name.padEnd(24)}${declared.padEnd(10)}${probed.padEnd(11)}${standing}`,
  );
  return [`  ${'capability'.padEnd(24)}${'declared'.padEnd(10)}${'probed'.padEnd(11)}standing`, ...rows, ''].join('\n');
}
