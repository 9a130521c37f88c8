import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { inTurn } from '../support/in-turn.ts';
import { answer, type Browsing, describeInBrowser, dismiss, press, requestsOf, watchRequests } from './browser.ts';

const itInTurn = inTurn(2);

const BUILT = new URL('../../dist/emulator/inspector/page/', import.meta.url);
const MOST_BYTES = 120 * 1_024;

test('the page of the inspector takes at most 120 KB compressed', () => {
  const files = ['index.html', 'page.js', 'page.css', 'icon.svg'].map((name) => readFileSync(new URL(name, BUILT)));
  const bytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(MOST_BYTES);
});

describeInBrowser('the page of the inspector', ({ start, open }: Browsing) => {
  async function withTranscript() {
    const server = await start();
    const id = await server.session({ title: 'harbour' });
    await server.post(`/v1/sessions/${id}/messages`, { role: 'system', content: 'Be brief.' });
    for (let count = 0; count < 3; count += 1) await server.chat(id, `What is the code of ship ${count}?`);
    await server.truncate(id, 120);
    await server.open('POST', `/v1/sessions/${id}/messages`, { role: 'tool', tool_call_id: 'x', content: '1' });
    return { ...server, id };
  }

  itInTurn('shows a transcript of markup, scripts and hidden characters as text', async () => {
    const { url, session, append } = await start();
    const hostile = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    const id = await session({ title: `${hostile.slice(0, 20)}\u202Eevil` });
    await append(id, `${hostile} \u202Ereversed\u202C \u0000 end`);
    let requests: string[] = [];
    const before = (shown: Page) => {
      requests = requestsOf(shown);
    };
    const page = await open(url, `#/session/${id}`, { before });
    const text = page.locator('.message pre');
    await expect.poll(() => text.textContent()).toContain('<img src=x onerror=');
    expect(await page.locator('.message img, .message script').count()).toBe(0);
    expect(await text.locator('.hidden-character').allTextContents()).toEqual(['RLO', 'PDF', 'NUL']);
    expect(await text.textContent()).not.toMatch(/[\u202a-\u202e]/);
    expect(await page.title()).toBe('kimi-emulator inspector');
    await page.goto(`${url}/_emulator/ui#/`);
    await page.locator('.session').waitFor();
    expect(requests).toContain(`${url}/_emulator/ui/page.js`);
    expect(requests.filter((request) => !request.startsWith(`${url}/`))).toEqual([]);
  });

  itInTurn('names the characters that nobody sees, and leaves those that join others', async () => {
    const { url, session, append } = await start();
    const id = await session();
    await append(id, 'a\u00adb\u2028c\u{e0041}d\u2066e\u{1b}f \u{1f469}\u200d\u{1f467} \u2764\ufe0f');
    const page = await open(url, `#/session/${id}`);
    const text = page.locator('.message pre');
    await expect.poll(() => text.textContent()).toContain('\u{1f469}\u200d\u{1f467} \u2764\ufe0f');
    expect(await text.locator('.hidden-character').allTextContents()).toEqual([
      'U+00AD',
      'U+2028',
      'U+E0041',
      'LRI',
      'ESC',
    ]);
  });

  itInTurn('reads a line of a million characters part by part', async () => {
    const { url, session, append } = await start({ limits: { append_tokens: 1_000_000, min_preserve_tokens: 64 } });
    const id = await session({ model: 'kimi-k3' });
    await append(id, `start ${'0123456789 abcdefg '.repeat(60_000)}`);
    const page = await open(url, `#/session/${id}`);
    await page.getByRole('button', { name: '#1 user' }).click();
    const more = page.getByRole('button', { name: 'Show more' });
    await expect.poll(() => more.textContent()).toContain('65,536 of 1,140,006 characters');
    await more.click();
    await expect.poll(() => more.textContent()).toContain('131,072 of 1,140,006 characters');
  });

  itInTurn('breaks none of its own rules for content, in any view', async () => {
    const { url, id } = await withTranscript();
    const page = await open(url);
    const problems: string[] = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    for (const hash of ['#/', `#/session/${id}`, `#/session/${id}?view=diff&a=2`, '#/journal', '#/spend', '#/tools']) {
      await page.goto(`${url}/_emulator/ui${hash}`);
      await page.locator('main').waitFor();
      await page.getByText('live', { exact: true }).waitFor();
    }
    await page.goto(`${url}/_emulator/ui#/spend`);
    await page.locator('.chart canvas').waitFor();
    expect(problems).toEqual([]);
    const policy = (await fetch(`${url}/_emulator/ui`)).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  itInTurn('is used with the keyboard alone', async () => {
    const { url, id, inspect } = await withTranscript();
    const page = await open(url);
    await page.locator('.session').waitFor();
    await press(page, 'j', 'Enter');
    await page.getByRole('heading', { name: 'harbour' }).waitFor();
    await press(page, 'k', 'k', 'k');
    await expect.poll(() => page.url()).toMatch(/at=\d/);
    await press(page, 'd');
    await page.locator('.totals').waitFor();
    await press(page, 'd', 'v', 'v', 'v');
    await page.getByLabel('Search in what was dropped').waitFor();
    await press(page, '/');
    await page.keyboard.type('ship');
    await expect.poll(() => page.locator('.dropped-view .message').count()).toBeGreaterThan(0);
    await press(page, 'Escape', 'v', 'n', 'o', 'f');
    await page.getByRole('dialog').waitFor();
    await answer(page);
    await page.getByRole('heading', { name: 'fork of harbour' }).waitFor();
    await expect.poll(async () => (await inspect<{ sessions: number }>('')).sessions).toBe(2);
    // The system prompt before it is pinned from the start.
    await page.locator('.message.user').first().waitFor();
    await press(page, 'n', 'n', 'P');
    await page.getByRole('dialog', { name: 'Pin this message', exact: true }).waitFor();
    await answer(page);
    await page.locator('.message.user', { hasText: 'pinned' }).waitFor();
    await press(page, 's');
    await page.getByRole('dialog', { name: 'Take a snapshot' }).waitFor();
    await page.keyboard.type('by hand');
    await answer(page);
    await page.locator('.timeline .kind-snapshot').waitFor();
    const download = page.waitForEvent('download');
    await press(page, 'e');
    expect((await download).suggestedFilename()).toMatch(/^sess_.*\.json$/);
    // What a dialog offers is done by Enter.
    await press(page, 'k', 'k', 'r');
    await page.getByRole('dialog', { name: 'Roll back to here' }).waitFor();
    await answer(page);
    await page.locator('.timeline .kind-rollback').waitFor();
    await press(page, '?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await dismiss(page);
    await press(page, '2');
    await page.locator('.request').first().waitFor();
    await press(page, '/');
    await page.keyboard.type('400');
    await press(page, 'Escape', 'j');
    await page.locator('.details h3').first().waitFor();
    await press(page, 'c');
    await page.getByRole('dialog', { name: 'Copy as code' }).waitFor();
    await dismiss(page);
    await press(page, '4', 'x');
    await page.locator('.findings li').first().waitFor();
    expect(page.url()).not.toContain(id);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`has names and enough contrast for everybody, ${colorScheme}`, async () => {
      const { url, id } = await withTranscript();
      const views = ['#/', `#/session/${id}`, `#/session/${id}?view=diff&a=3`, `#/session/${id}?view=dropped&q=ship`];
      const page = await open(url, '', { colorScheme });
      for (const hash of [...views, '#/journal?n=6', '#/spend', '#/tools?doctor=run']) {
        await page.goto(`${url}/_emulator/ui${hash}`);
        await page.locator('main').waitFor();
        await page.getByText('live', { exact: true }).waitFor();
        await page.evaluate(`${axe.source}; void 0`);
        for (const width of [390, 1_280]) {
          await page.setViewportSize({ width, height: 800 });
          const found = await page.evaluate(`axe.run().then(({ violations }) => violations.map(
            ({ id, nodes }) => id + ': ' + nodes[0].html + ' ' + nodes[0].any.map(({ message }) => message)))`);
          expect(found, `${hash} at ${width} px`).toEqual([]);
        }
      }
    });
  }

  for (const width of [390, 2_560]) {
    test(`fits a screen of ${width} pixels`, async () => {
      const { url, id } = await withTranscript();
      const page = await open(url, '', { viewport: { width, height: 800 } });
      for (const hash of [
        '#/',
        `#/session/${id}`,
        `#/session/${id}?view=diff&a=3`,
        '#/journal?n=6',
        '#/spend',
        '#/tools',
      ]) {
        await page.goto(`${url}/_emulator/ui${hash}`);
        await page.locator('main').waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth'), hash).toBe(width);
      }
    });
  }

  itInTurn('has all that it shows in its URL', async () => {
    const { url, id } = await withTranscript();
    const page = await open(url, `#/session/${id}`);
    await page.locator('.timeline button').nth(2).click();
    await page.getByRole('button', { name: 'diff' }).click();
    await page.locator('.totals').waitFor();
    const [address, totals] = [page.url(), await page.locator('.totals').textContent()];
    const other = await open(address.replace(/\/_emulator\/ui.*/, ''), address.replace(/^[^#]*/, ''));
    await expect.poll(() => other.locator('.totals').textContent()).toBe(totals);
    expect(await other.locator('.timeline .selected').textContent()).toBe(
      await page.locator('.timeline .selected').textContent(),
    );
  });

  itInTurn(
    'has the messages that are open and chosen in its URL, and they stay so when the window is cut',
    async () => {
      const { url, session, append, truncate } = await start();
      const id = await session();
      for (let count = 0; count < 60; count += 1) await append(id, `message ${count} ${'word '.repeat(20)}`);
      const page = await open(url, `#/session/${id}`);
      await page.getByRole('button', { name: '#58 user' }).click();
      await press(page, 'p', 'p');
      const shown = () => page.evaluate('location.hash');
      await expect.poll(shown).toContain('m=56');
      const other = await open(url, String(await shown()));
      const opened = (of: Page) => of.locator('.message:not(.folded) .text').allTextContents();
      await expect.poll(() => opened(other)).toEqual([expect.stringMatching(/^message 57 /)]);
      expect(await other.locator('.message.selected').textContent()).toContain('message 55 ');
      await truncate(id, 300);
      await expect.poll(() => other.getByRole('button', { name: '#58 user' }).count()).toBe(0);
      expect(await opened(other)).toEqual([expect.stringMatching(/^message 57 /)]);
      const linked = await open(url, `#/session/${id}?at=61&m=3`);
      await expect.poll(() => linked.locator('.message.selected').textContent()).toContain('message 2 ');
    },
  );

  itInTurn('says so where a link leads to a moment that is forgotten', async () => {
    const { url, id } = await withTranscript();
    const page = await open(url, `#/session/${id}?at=99`);
    await page.getByText('There is no moment 99 any more. What is shown is the window of now.').waitFor();
    await page.locator('.message').first().waitFor();
  });

  itInTurn('asks nothing while nothing changes, and is told of a change, not by asking for it', async () => {
    const { url, session, append } = await start();
    const [id, other] = [await session({ title: 'harbour' }), await session({ title: 'windmill' })];
    let settled = async () => {};
    const before = async (shown: Page) => {
      await shown.clock.install();
      ({ settled } = watchRequests(shown));
    };
    const page = await open(url, `#/session/${id}`, { before });
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText('The window is empty').waitFor();
    await settled();
    const asked = requestsOf(page);
    await page.clock.fastForward('10:00');
    expect(asked).toEqual([]);
    for (let count = 0; count < 3; count += 1) await append(other, `elsewhere ${count}`);
    await append(id, 'here');
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('here');
    // What other sessions do is nothing that this view has to ask for, and what this one does is one answer.
    expect(asked.map((each) => each.replace(/\?.*/, ''))).toEqual([`${url}/_emulator/inspect/sessions/${id}`]);
  });

  itInTurn('is told nothing while nobody sees it, and shows what has happened once it is seen', async () => {
    const { url, session, append } = await start();
    const id = await session();
    let settled = async () => {};
    const before = (shown: Page) => {
      ({ settled } = watchRequests(shown));
    };
    const page = await open(url, `#/session/${id}`, { before });
    await page.getByText('live', { exact: true }).waitFor();
    const hide = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await hide(true);
    await page.getByText('not connected').waitFor();
    await settled();
    const asked = requestsOf(page);
    await append(id, 'unseen');
    const seen = await open(url, `#/session/${id}`);
    await expect.poll(() => seen.locator('.message-list').textContent()).toContain('unseen');
    expect(asked).toEqual([]);
    await hide(false);
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('unseen');
  });

  itInTurn('closes a dialog that is left by the way back', async () => {
    const { url, id } = await withTranscript();
    const page = await open(url);
    await page.getByText('harbour').click();
    await page.getByRole('button', { name: 'Fork here' }).click();
    await page.getByRole('dialog').waitFor();
    await page.goBack();
    await page.locator('.sessions').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(page.url()).not.toContain(id);
  });

  itInTurn('selects code that it cannot copy', async () => {
    const { url, id } = await withTranscript();
    const before = (shown: Page) =>
      shown.addInitScript(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`);
    const page = await open(url, `#/session/${id}`, { before });
    await page.getByRole('button', { name: 'Copy as code' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Copy' }).first().click();
    const selected = String(await page.evaluate('getSelection().toString()'));
    expect(selected).toMatch(/^curl .*\n/);
    expect(selected).toContain(id);
    expect(await dialog.getByText('copied').count()).toBe(0);
  });

  itInTurn('finds in a long journal the request of a link, and filters by statuses and words', async () => {
    const { url, session, append, open: send } = await start();
    const id = await session();
    for (let count = 0; count < 120; count += 1) await append(id, `message ${count}`);
    await send('POST', `/v1/sessions/${id}/messages`, { role: 'tool', tool_call_id: 'x', content: '1' });
    const page = await open(url, '#/journal?n=3');
    const chosen = page.locator('.row.selected');
    await expect.poll(() => chosen.locator('.number').textContent()).toBe('3');
    await expect
      .poll(() => page.evaluate(`document.querySelector('.journal .scroller').scrollTop`))
      .toBeGreaterThan(1_000);
    await page.getByLabel('Filter').fill('4xx ORPHAN');
    await expect.poll(() => page.locator('.request .number').allTextContents()).toEqual(['122']);
    await page.getByLabel('Filter').fill('no such words');
    await page.getByText('No request fits the filter.').waitFor();
  });

  itInTurn('draws the cost of few turns over whole turns, and its sums in full', async () => {
    const { url, session, chat } = await start();
    const id = await session();
    for (let count = 0; count < 3; count += 1) await chat(id, `question ${count}?`);
    const before = (shown: Page) =>
      shown.addInitScript(`{
        const drawn = CanvasRenderingContext2D.prototype.fillText;
        globalThis.drawnTexts = [];
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
          globalThis.drawnTexts.push(text);
          return drawn.call(this, text, ...rest);
        };
      }`);
    const page = await open(url, '#/spend', { before });
    await page.locator('.chart canvas').waitFor();
    const texts = async () => (await page.evaluate('globalThis.drawnTexts')) as string[];
    await expect.poll(texts).toContain('turn');
    const drawn = await texts();
    expect(drawn).toContain('USD');
    for (const turn of ['1', '2', '3']) expect(drawn).toContain(turn);
    expect(drawn.filter((text) => /^\d+\.5$|e-/.test(text))).toEqual([]);
    // Sums so small are told apart.
    expect(new Set(drawn.filter((text) => /^0\.0\d+$/.test(text))).size).toBeGreaterThan(1);
  });

  itInTurn('shows what a client does while it is open, and keeps few elements of long lists', async () => {
    const { url, session, append } = await start({ limits: { sessions: 400, min_preserve_tokens: 64 } });
    const page = await open(url);
    await page.getByText('There are no sessions yet.').waitFor();
    const id = await session({ title: 'first' });
    await page.getByText('first').waitFor();
    for (let count = 0; count < 300; count += 1) await session({ title: `number ${count}` });
    await session({ title: 'the windmill' });
    await page.getByLabel('Filter').fill('WIND the');
    await expect.poll(() => page.locator('.session').count()).toBe(1);
    await page.getByLabel('Filter').fill('');
    expect(await page.locator('.session').count()).toBeLessThan(60);
    await page.goto(`${url}/_emulator/ui#/session/${id}`);
    await page.getByText('The window is empty').waitFor();
    for (let count = 0; count < 300; count += 1) await append(id, `message ${count}.`);
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('message 299.');
    expect(await page.locator('.message').count()).toBeLessThan(60);
  });
});
