import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Spend } from '../../emulator/billing/spend.ts';
import { runSpendCommand } from '../../emulator/cli/spend.ts';
import { temporaryFolder } from '../store/files.ts';
import { ServerProcess } from './server-process.ts';

const ROW = { model: 'kimi-k2-0905', currency: 'USD', cached_input: 1, input: 1_000, output: 3_000 };
const DATED = { ...ROW, since: '2026-01-01', source: 'ours' };

async function startWith(prices: unknown): Promise<{ server: ServerProcess; url: string }> {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'prices.json'), JSON.stringify(prices));
  const { server, ready } = await ServerProcess.listening(['--memory', '--prices', 'prices.json'], { cwd });
  return { server, url: ready.base_url };
}

async function spendOfTurn(url: string, model: string): Promise<Spend> {
  const body = JSON.stringify({ model, max_tokens: 16, messages: [{ role: 'user', content: 'hello' }] });
  const headers = { Authorization: 'Bearer sk-test', 'Content-Type': 'application/json' };
  expect((await fetch(`${url}/chat/completions`, { method: 'POST', headers, body })).status).toBe(200);
  let printed = '';
  const write = (text: string) => (printed += text);
  await runSpendCommand([url, '--json'], { stdout: { write }, stderr: { write }, env: {} });
  return JSON.parse(printed) as Spend;
}

it.each(['kimi-k2-0905', 'kimi-k2-0905-preview'])('a price under the short name applies to %s', async (model) => {
  const { url } = await startWith([DATED]);
  const { total } = await spendOfTurn(url, model);
  expect(total.cost).toBeCloseTo((total.input_tokens * 1_000 + total.output_tokens * 3_000) / 1e6, 9);
});

it('a price file with a misspelt model is reported in one line at the start', async () => {
  const { server } = await startWith([DATED, { ...DATED, model: 'kimi-k2-905' }]);
  const { stderr } = await server.signal('SIGTERM');
  expect(stderr).toMatch(
    /^kimi-emulator: --prices: prices\.json: unknown models, whose prices never apply: kimi-k2-905 \(line 1\).+\n$/,
  );
});

it('prices in a currency that is not used are reported in one line at the start', async () => {
  const { server } = await startWith([{ ...DATED, currency: 'CNY' }]);
  const { stderr } = await server.signal('SIGTERM');
  expect(stderr).toMatch(
    /^kimi-emulator: --prices: prices\.json has no price in USD, the currency that is billed.+\n$/,
  );
});

it('the prices that spend prints can be used as a price file', async () => {
  const first = await spendOfTurn((await startWith([DATED])).url, 'kimi-k2-0905');
  const second = await spendOfTurn((await startWith(first.prices)).url, 'kimi-k2-0905');
  expect(second.prices).toEqual([DATED]);
  expect(second.total).toEqual(first.total);
});
