import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { createEmulator, type Emulator } from '../emulator/index.ts';

/** Pictures of the inspector for docs/inspector.md, of a run that is the same every time. */
const IMAGES = new URL('images/', import.meta.url);
const PAGE = new URL('../emulator/inspector/page/', import.meta.url);
const BUILT = new URL('../dist/emulator/inspector/page/page.js', import.meta.url);
const SEAL = new URL('inspector.sha256', IMAGES);
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const MODEL = 'kimi-k3';

/** What the pictures show: they are made anew where it has changed. */
export function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(PAGE).toSorted()) hash.update(name).update(readFileSync(new URL(name, PAGE)));
  return hash.update(readFileSync(new URL(import.meta.url))).digest('hex');
}

/** @returns why no pictures were made; undefined where they were, or nothing has changed */
export async function makeScreenshots(): Promise<string | undefined> {
  const wanted = sourcesHash();
  if (existsSync(SEAL) && readFileSync(SEAL, 'utf8').trim() === wanted) return undefined;
  const executablePath = CHROMIUM.find((path) => existsSync(path));
  if (executablePath === undefined) return 'there is no chromium here: the pictures of the inspector stay as they are';
  if (!existsSync(BUILT)) return 'the inspector is not built: npm run build, then npm run docs';
  await using emulator = createEmulator({ seed: 'inspector', limits: { min_preserve_tokens: 64 } });
  const session = await review(emulator);
  const { url } = await emulator.listen();
  const args = process.getuid?.() === 0 ? ['--no-sandbox', '--disable-gpu'] : ['--disable-gpu'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 520 }, colorScheme: 'light' });
    mkdirSync(IMAGES, { recursive: true });
    const shots: Record<string, (page: Page) => Promise<unknown>> = {
      [`session/${session}?at=19&view=diff&a=18`]: (shown) => shown.locator('.message.cut').first().waitFor(),
      [`session/${session}?at=20&view=summary&line=1`]: (shown) => shown.locator('.origin .message').waitFor(),
      spend: (shown) => shown.locator('.chart canvas').waitFor(),
    };
    for (const [place, [hash, shown]] of Object.entries(shots).entries()) {
      await page.goto(`${url}/_emulator/ui#/${hash}`);
      await page.getByText('live', { exact: true }).waitFor();
      await shown(page);
      const name = ['window', 'summary', 'spend'][place];
      writeFileSync(new URL(`inspector-${name}.png`, IMAGES), await page.screenshot());
    }
  } finally {
    await browser.close();
  }
  writeFileSync(SEAL, `${wanted}\n`);
  return undefined;
}

/** A review of eight files, compressed and cut. @returns the session's id */
async function review({ baseURL, fetch }: Emulator): Promise<string> {
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const headers = { Authorization: 'Bearer sk-docs', 'Content-Type': 'application/json' };
    const response = await fetch(baseURL + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as { id: string };
  };
  const parameters = { type: 'object', properties: { path: { type: 'string' } } };
  const tool = { type: 'function', function: { name: 'read_file', description: 'Reads a file', parameters } };
  const { id } = await post('/sessions', {
    model: MODEL,
    title: 'review of the billing service',
    tools: [tool],
    messages: [
      { role: 'system', content: 'You review code. Be brief, and name files.' },
      { role: 'user', content: 'Review the billing service. The release is on Friday; the budget is 400 USD.' },
    ],
  });
  const ask = (content: string) =>
    post('/chat/completions', { model: MODEL, session_id: id, messages: [{ role: 'user', content }] });
  for (let part = 0; part < 8; part += 1) {
    const path = `src/billing/part-${part}.ts`;
    const call = {
      id: `call_${part}`,
      type: 'function',
      function: { name: 'read_file', arguments: JSON.stringify({ path }) },
    };
    const code = `// ${path}\nexport const RETRIES_${part} = ${part + 2};\nexport function charge(amount: number): number {\n  return amount * ${part + 1};\n}\n`;
    const content = code + `// Retry policy ${part}: wait ${100 * (part + 1)} ms, then twice as long. `.repeat(18);
    await post(`/sessions/${id}/messages`, {
      messages: [
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content },
      ],
    });
    await ask(`What is RETRIES_${part}?`);
  }
  await post(`/sessions/${id}/snapshots`, { name: 'before the summary' });
  await post(`/sessions/${id}/compress`, { ratio: 2, preserve_len: 500 });
  for (let part = 0; part < 4; part += 1) await ask(`And what was RETRIES_${part}?`);
  await post(`/sessions/${id}/truncate`, { preserve_len: 900 });
  return id;
}
