import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { startInspected } from './inspecting.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = PLACES.find((path) => existsSync(path));
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
const SANDBOX = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/** The page in a browser of the file's own. */
export interface Browsing {
  /** Starts an emulator that listens, with the tokenizer and the limits of the other tests. */
  start(options?: EmulatorOptions): Promise<Awaited<ReturnType<typeof startInspected>> & { url: string }>;
  /** Opens the page of a server at a hash such as `#/journal`. */
  open(url: string, hash?: string, options?: OpenOptions): Promise<Page>;
}

interface OpenOptions extends BrowserContextOptions {
  /** Is given the page before anything is loaded. */
  before?: (page: Page) => unknown;
}

/** Presses keys one after the other. */
export async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Does what the dialog offers; keys of the page go nowhere until it is done and the dialog is gone. */
export async function answer(page: Page): Promise<void> {
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

/** URLs that a page asks for, from now on. */
export function requestsOf(page: Page): string[] {
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  return urls;
}

/** Tests that need a browser. Without one they are skipped, and it is said; where it is required they fail. */
export function describeInBrowser(name: string, tests: (browsing: Browsing) => void): void {
  if (!found && process.env.KIMI_BROWSER !== 'required') {
    console.warn(`${name}: SKIPPED, there is no chromium here (${PLACES.join(', ')})`);
  }
  describe.skipIf(!found && process.env.KIMI_BROWSER !== 'required')(name, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({
        executablePath: found ?? PLACES[0] ?? '',
        args: [...SANDBOX, '--disable-gpu', ...QUIET],
      });
    });
    afterAll(() => browser.close());
    tests({
      async start(options) {
        const inspected = await startInspected('over HTTP', options);
        return { ...inspected, url: inspected.emulator.baseURL.replace(/\/v1$/, '') };
      },
      async open(url, hash = '', { before, ...options } = {}) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
        onTestFinished(() => context.close());
        context.setDefaultTimeout(20_000);
        const page = await context.newPage();
        await before?.(page);
        await page.goto(`${url}/_emulator/ui${hash}`);
        return page;
      },
    });
  });
}
