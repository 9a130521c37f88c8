import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import { expect, onTestFinished, test } from 'vitest';
import { type Browsing, describeInBrowser } from './browser.ts';

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

  test('shows a transcript of markup, scripts and hidden characters as text', async () => {
    const { url, session, append } = await start();
    const hostile = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    const id = await session({ title: `${hostile.slice(0, 20)}\u202Eevil` });
    await append(id, `${hostile} \u202Ereversed\u202C \u0000 end`);
    const page = await open(url, `#/session/${id}`);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    const text = page.locator('.message pre');
    await expect.poll(() => text.textContent()).toContain('<img src=x onerror=');
    expect(await page.locator('.message img, .message script').count()).toBe(0);
    expect(await text.locator('.hidden-character').allTextContents()).toEqual(['RLO', 'PDF', 'NUL']);
    expect(await text.textContent()).not.toMatch(/[\u202a-\u202e]/);
    expect(await page.title()).toBe('kimi-emulator inspector');
    await page.goto(`${url}/_emulator/ui#/`);
    await page.locator('.session').waitFor();
    expect(requests.filter((request) => !request.startsWith(url))).toEqual([]);
  });

  test('reads a line of a million characters part by part', async () => {
    const { url, session, append } = await start({ limits: { append_tokens: 200_000, min_preserve_tokens: 64 } });
    const id = await session();
    await append(id, `start ${'0123456789 abcdefg '.repeat(20_000)}`);
    const page = await open(url, `#/session/${id}`);
    await page.getByRole('button', { name: '#1 user' }).click();
    const more = page.getByRole('button', { name: 'Show more' });
    await expect.poll(() => more.textContent()).toContain('65,536 of 380,006 characters');
    await more.click();
    await expect.poll(() => more.textContent()).toContain('131,072 of 380,006 characters');
  });

  test('breaks none of its own rules for content, in any view', async () => {
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

  test('can be neither framed, read nor made to act by a page of another origin', async () => {
    const { url, id, inspect } = await withTranscript();
    const foreign = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end(`<iframe src="${url}/_emulator/ui"></iframe>`);
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void foreign.close());
    const page = await open(url);
    await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`);
    const tried = await page.evaluate(`(async () => {
      const outcome = (request) => request.then(({ status }) => status, () => 'failed');
      const fork = { method: 'POST', body: JSON.stringify({ session: '${id}', at: 'now' }) };
      return [
        await outcome(fetch('${url}/_emulator/inspect')),
        await outcome(fetch('${url}/_emulator/inspect/actions/fork', fork)),
        await outcome(fetch('${url}/_emulator/ui')),
      ];
    })()`);
    expect(tried).toEqual(['failed', 'failed', 'failed']);
    const [, frame] = page.frames();
    expect(await frame?.locator('#page').count()).toBe(0);
    expect((await inspect<{ sessions: number }>('')).sessions).toBe(1);
    // A link is followed, as it only shows.
    await page.evaluate(`{
      const link = document.createElement('a');
      link.href = '${url}/_emulator/ui#/journal';
      document.body.append(link);
      link.click();
    }`);
    await page.locator('.request').first().waitFor();
  });

  test('asks for the control key, keeps it for the tab alone, and works with it', async () => {
    const { url, api } = await start({ controlKey: 'sesame', apiKeys: ['sk-test'] });
    await api.post('/v1/sessions', { title: 'harbour' });
    const page = await open(url);
    await page.getByRole('heading', { name: 'The inspector is closed' }).waitFor();
    await page.getByLabel('Control key').fill('wrong');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByLabel('Control key').fill('sesame');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('harbour').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    await api.post('/v1/sessions', { title: 'second' });
    await page.getByText('second').waitFor();
    expect(await page.evaluate('[localStorage.length, document.cookie]')).toEqual([0, '']);
  });

  test('is used with the keyboard alone', async () => {
    const { url, id, inspect } = await withTranscript();
    const page = await open(url);
    const press = (...keys: string[]) =>
      keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
    await page.locator('.session').waitFor();
    await press('j', 'Enter');
    await page.getByRole('heading', { name: 'harbour' }).waitFor();
    await press('k', 'k', 'k');
    await expect.poll(() => page.url()).toMatch(/at=\d/);
    await press('d');
    await page.locator('.totals').waitFor();
    await press('d', 'v', 'v', 'v');
    await page.getByLabel('Search in what was dropped').waitFor();
    await press('/');
    await page.keyboard.type('ship');
    await expect.poll(() => page.locator('.dropped-view .message').count()).toBeGreaterThan(0);
    await press('Escape', 'v', 'n', 'o', 'f');
    await page.getByRole('dialog').waitFor();
    await press('Enter');
    await page.getByRole('heading', { name: 'fork of harbour' }).waitFor();
    await expect.poll(async () => (await inspect<{ sessions: number }>('')).sessions).toBe(2);
    await press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await press('Escape', '2');
    await page.locator('.request').first().waitFor();
    await press('/');
    await page.keyboard.type('400');
    await press('Escape', 'j');
    await page.locator('.details h3').first().waitFor();
    await press('c');
    await page.getByRole('dialog', { name: 'Copy as code' }).waitFor();
    await press('Escape', '4', 'x');
    await page.locator('.findings li').first().waitFor();
    expect(page.url()).not.toContain(id);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`has names and enough contrast for everybody, ${colorScheme}`, async () => {
      const { url, id } = await withTranscript();
      const views = ['#/', `#/session/${id}`, `#/session/${id}?view=diff&a=3`, `#/session/${id}?view=dropped&q=ship`];
      const page = await open(url, '', { colorScheme });
      for (const hash of [...views, '#/journal?n=6', '#/spend', '#/tools']) {
        await page.goto(`${url}/_emulator/ui${hash}`);
        await page.locator('main').waitFor();
        await page.getByText('live', { exact: true }).waitFor();
        await page.evaluate(`${axe.source}; void 0`);
        const found = await page.evaluate(`axe.run().then(({ violations }) => violations.map(
          ({ id, nodes }) => id + ': ' + nodes[0].html + ' ' + nodes[0].any.map(({ message }) => message)))`);
        expect(found, hash).toEqual([]);
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

  test('has all that it shows in its URL', async () => {
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

  test('shows what a client does while it is open, and keeps few elements of long lists', async () => {
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
