import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { createEmulator, type EmulatorOptions } from '../../emulator/index.ts';
import type { Overview } from '../../emulator/inspector/answers.ts';
import { ServerProcess } from '../cli/server-process.ts';
import { temporaryFolder } from '../store/files.ts';
import { inTurn } from '../support/in-turn.ts';
import { O200K } from '../support/session.ts';
import { describeInBrowser } from './browser.ts';

const itInTurn = inTurn(2);

describeInBrowser('the inspector lets', ({ start, open }) => {
  /** A page of another origin, as an attacker serves it. */
  async function foreignPage(markup: string): Promise<string> {
    const server = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end(markup);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  itInTurn('no page of another origin read it, frame it, or act, even with the token of its page', async () => {
    const { url, session, inspect } = await start();
    const id = await session({ title: 'harbour' });
    const { token } = await inspect<Overview>('');
    const foreign = await foreignPage(`<iframe src="${url}/_emulator/ui"></iframe>`);
    const answers: [method: string, path: string, status: number][] = [];
    const listen = (shown: Page) =>
      shown.on('response', (response) => {
        const { pathname } = new URL(response.url());
        if (response.url().startsWith(url)) answers.push([response.request().method(), pathname, response.status()]);
      });
    const page = await open(foreign, '', { before: listen });
    const tried = await page.evaluate(`(async () => {
      const outcome = (path, init) => fetch('${url}/_emulator' + path, init).then(({ status }) => status, () => 'failed');
      const body = JSON.stringify({ session: '${id}', at: 'now' });
      const headers = { 'Kimi-Emulator-Inspector': '${token}' };
      return [
        await outcome('/inspect'),
        await outcome('/inspect', { mode: 'no-cors' }),
        await outcome('/ui'),
        await outcome('/inspect/actions/fork', { method: 'POST', body }),
        await outcome('/inspect/actions/fork', { method: 'POST', body, mode: 'no-cors' }),
        await outcome('/inspect/actions/fork', { method: 'POST', body, headers }),
      ];
    })()`);
    // What is asked for without being able to read it (no-cors) is told nothing: 0.
    expect(tried).toEqual(['failed', 0, 'failed', 'failed', 0, 'failed']);
    // Of the others the browser says no more than that they have failed.
    expect(answers.toSorted()).toEqual([
      ['GET', '/_emulator/inspect', 403],
      ['GET', '/_emulator/ui', 403],
      ['POST', '/_emulator/inspect/actions/fork', 403],
    ]);
    const [, frame] = page.frames();
    expect(await frame?.locator('#page').count()).toBe(0);
    expect((await inspect<Overview>('')).sessions).toBe(1);
    // A link is followed, as it only shows.
    await page.evaluate(`{
      const link = document.createElement('a');
      link.href = '${url}/_emulator/ui#/';
      document.body.append(link);
      link.click();
    }`);
    await page.getByText('harbour').waitFor();
  });

  itInTurn(
    'nobody read, ask before, or act with its token, who sends the Origin or the site of another page',
    async () => {
      const { url, session, inspect } = await start();
      const id = await session();
      const { token } = await inspect<Overview>('');
      const ask = (path: string, init: RequestInit) =>
        fetch(`${url}/_emulator/inspect${path}`, init).then(({ status }) => status);
      const fork = (headers: Record<string, string>) =>
        ask('/actions/fork', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'Kimi-Emulator-Inspector': token, ...headers },
          body: JSON.stringify({ session: id, at: 'now' }),
        });
      for (const foreign of [
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: 'http://localhost:1' },
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
      ]) {
        expect([foreign, await fork(foreign)]).toEqual([foreign, 403]);
        for (const path of ['', '/sessions', '/live', `/sessions/${id}/window`]) {
          expect([foreign, path, await ask(path, { headers: foreign })]).toEqual([foreign, path, 403]);
        }
        const asks = { ...foreign, 'Access-Control-Request-Method': 'POST' };
        expect(await ask('/actions/fork', { method: 'OPTIONS', headers: asks })).toBeGreaterThanOrEqual(403);
      }
      expect((await inspect<Overview>('')).sessions).toBe(1);
      expect(await fork({ Origin: url, 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    },
  );

  itInTurn('no page frame it, and says so to old browsers too', async () => {
    const { url } = await start();
    for (const path of ['/_emulator/ui', '/_emulator/ui/', '/_emulator/ui/page.js']) {
      const { status, headers } = await fetch(url + path);
      expect([path, status, headers.get('x-frame-options')]).toEqual([path, 200, 'DENY']);
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
    }
  });

  itInTurn('whoever has the control key in, keeps it for the tab alone, and forgets a wrong one', async () => {
    const { url, api } = await start({ controlKey: 'sesame', apiKeys: ['sk-test'] });
    await api.post('/v1/sessions', { title: 'harbour' });
    const page = await open(url);
    await page.getByRole('heading', { name: 'The inspector is closed' }).waitFor();
    // No header can carry the second of them.
    for (const wrong of ['wrong', 'Сезам ☃']) {
      await page.getByLabel('Control key').fill(wrong);
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByText('This key does not open it.').waitFor();
      await page.reload();
    }
    await page.getByLabel('Control key').fill('sesame');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('harbour').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    await api.post('/v1/sessions', { title: 'second' });
    await page.getByText('second').waitFor();
    await page.reload();
    await page.getByText('second').waitFor();
    expect(await page.evaluate('[localStorage.length, document.cookie]')).toEqual([0, '']);
  });

  test.each<[string, EmulatorOptions, string]>([
    ['with --api-keys', { apiKeys: ['sk-test'] }, '127.0.0.1'],
    ['on an address that other machines reach', {}, '0.0.0.0'],
  ])('nobody in %s until it is started with a control key, and then asks for it', async (_, options, host) => {
    const listen = async (more: EmulatorOptions) => {
      const emulator = createEmulator({ tokenizer: O200K, ...options, ...more });
      onTestFinished(() => emulator.close());
      return `http://127.0.0.1:${(await emulator.listen({ host })).port}`;
    };
    const closed = await open(await listen({}));
    await closed.getByRole('heading', { name: 'The inspector is closed' }).waitFor();
    expect(await closed.locator('main').textContent()).toContain('started with --control-key');
    // There is no key that would open it, and so no field for one.
    expect(await closed.locator('input').count()).toBe(0);
    const keyed = await open(await listen({ controlKey: 'sesame' }));
    await keyed.getByLabel('Control key').fill('sesame');
    await keyed.keyboard.press('Enter');
    await keyed.getByText('There are no sessions yet.').waitFor();
  });

  itInTurn('nobody change an exported file that kimi-emulator inspect shows', async () => {
    const { session, append, truncate, emulator } = await start();
    const id = await session({ title: 'harbour' });
    for (let count = 0; count < 3; count += 1) await append(id, `message ${count} ${'word '.repeat(60)}`);
    await truncate(id, 100);
    const file = join(temporaryFolder(), 'state.json');
    writeFileSync(file, await emulator.state.export());
    const { ready } = await ServerProcess.listening(['inspect', file], {});
    const page = await open(ready.base_url.replace(/\/v1$/, ''), `#/session/${id}`);
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('message 2');
    expect(await page.locator('.bar-top').textContent()).toContain('read-only');
    const names = await page.getByRole('button').allTextContents();
    expect(names).toContain('Export');
    for (const name of ['Fork here', 'Roll back to here', 'Undo', 'Snapshot']) expect(names).not.toContain(name);
    for (const key of ['f', 'u', 's', 'n', 'P']) await page.keyboard.press(key);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('4');
    await page.getByRole('heading', { name: 'Clock' }).waitFor();
    expect(await page.getByRole('button').allTextContents()).toEqual(['?', 'Run the doctor', 'Export the state']);
  });
});
