import type { Price } from '../../contract/prices.ts';
import { type Money, showInFull } from './money.ts';
import { costOf, type Tally, uncached, type Work } from './work.ts';

/** `kimi-k2-0905-preview: 0.15 cached input, 0.6 input, 2.5 output USD per million tokens (since …; source)` */
export function priceLine({ model, currency, cachedInput, input, output, since, source }: Price): string {
  const figures = `${cachedInput} cached input, ${input} input, ${output} output ${currency} per million tokens`;
  return `${model}: ${figures} (since ${since}; ${source})`;
}

/** What was spent, what it would have been without sessions, and the difference, each with how it came about. */
export function bookLines(tallies: readonly Tally[], windowTokens: number): string[] {
  return tallies.flatMap(({ rates, own, comparable }) => {
    const { currency } = rates.row;
    const cost = (work: Work) => costOf(work, rates);
    const line = (title: string, work: Work) =>
      `${title}, ${turns(work.turns)}: ${product(work, rates.row)} = ${showInFull(cost(work))} ${currency}`;
    const beyond = own.turns - comparable.own.turns;
    const ownCost = cost(comparable.own);
    const saved = (title: string, work: Work) => `saved against ${title}: ${difference(cost(work), ownCost, currency)}`;
    const { stateless } = comparable;
    return [
      line('as it was', own),
      ...(beyond > 0
        ? [
            `${turns(beyond)} left out of what follows: the uncut history no longer fitted ${figure(windowTokens)} tokens`,
            line('the others as they were', comparable.own),
          ]
        : []),
      line('stateless without cache', uncached(stateless)),
      line('stateless with cache', stateless),
      saved('stateless without cache', uncached(stateless)),
      saved('stateless with cache', stateless),
    ];
  });
}

function product({ input, cached, output }: Work, price: Price): string {
  const terms = [
    `${figure(input)} × ${price.input}`,
    `${figure(cached)} × ${price.cachedInput}`,
    `${figure(output)} × ${price.output}`,
  ];
  return `(${terms.join(' + ')}) ÷ 1,000,000`;
}

/** `0.012 − 0.003 = 0.009 USD (75.0 %)` */
function difference(other: Money, own: Money, currency: string): string {
  const share = other === 0n ? '' : ` (${(Number(((other - own) * 100_000n) / other) / 1_000).toFixed(1)} %)`;
  return `${showInFull(other)} − ${showInFull(own)} = ${showInFull(other - own)} ${currency}${share}`;
}

function turns(count: number): string {
  return count === 1 ? '1 turn' : `${figure(count)} turns`;
}

function figure(count: number): string {
  return count.toLocaleString('en-US');
}
