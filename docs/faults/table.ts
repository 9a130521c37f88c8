import { createEmulator, type Model } from '../../emulator/index.ts';
import { runCell, SAID } from './cell.ts';
import { aiSdk, kimiClient, openaiSdk } from './clients.ts';
import { ROWS } from './rows.ts';

const CLIENTS = [
  ['`openai`', openaiSdk],
  ['`ai` + `@ai-sdk/moonshotai`', aiSdk],
  ['`KimiClient`', kimiClient],
] as const;

const model: Model = {
  name: 'always the same',
  async *complete() {
    yield { type: 'text', text: SAID };
  },
};

/** The table: every client under every fault, over HTTP, all at once, each with a key of its own. */
export async function faultsTable(): Promise<string> {
  const emulator = createEmulator({ model, journal: { entries: 0 } });
  await emulator.listen();
  try {
    const rows = await Promise.all(
      ROWS.map(async (row, place) => {
        const cells = CLIENTS.map(([, client], column) => runCell(emulator, row, client, `sk-${place}-${column}`));
        return [row.fault, row.task, ...(await Promise.all(cells))];
      }),
    );
    const head = ['fault', 'task', ...CLIENTS.map(([name]) => name)];
    const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
    return `${lines.join('\n')}\n`;
  } finally {
    await emulator.close();
  }
}

const PLACE = /(<!-- table: .* -->\n\n)[\s\S]*?(\n<!-- end of table -->)/;

/** The page with its table replaced. */
export function withTable(page: string, table: string): string {
  if (!PLACE.test(page)) throw new Error('the page has no place for the table');
  return page.replace(PLACE, (_, before: string, after: string) => before + table + after);
}
