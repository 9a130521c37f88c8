import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page, type Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
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

/** Closes what lies over the page; keys of the page go nowhere until it is gone. */
export async function dismiss(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

const LIVE = '/_emulator/inspect/live';
/** What is done once a frame has been drawn is done a task later. */
const FRAME = 'new Promise((done) => requestAnimationFrame(() => setTimeout(() => setTimeout(done))))';

/** Watches what a page asks for; `settled` waits until it has all answers and asks for nothing more. */
export function watchRequests(page: Page): { settled(): Promise<void> } {
  let begun = 0;
  const underWay = new Set<Request>();
  page.on('request', (request) => {
    begun += 1;
    if (!request.url().endsWith(LIVE)) underWay.add(request);
  });
  page.on('requestfinished', (request) => underWay.delete(request));
  page.on('requestfailed', (request) => underWay.delete(request));
  return {
    async settled() {
      let before = -1;
      const asksNothingMore = async () => {
        const known = before;
        before = begun;
        await page.evaluate(FRAME);
        return underWay.size === 0 && begun === known;
      };
      await expect.poll(asksNothingMore).toBe(true);
    },
  };
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
