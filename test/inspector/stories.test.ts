import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { KimiClient } from '../../client/index.ts';
import type { TurnCost } from '../../emulator/billing/billing.ts';
import type { WindowPage } from '../../emulator/inspector/answers.ts';
import { inTurn } from '../support/in-turn.ts';
import { type Browsing, describeInBrowser, press } from './browser.ts';

const itInTurn = inTurn(2);

describeInBrowser('with the inspector a developer', ({ start, open }: Browsing) => {
  /** A session of six messages whose first ones have been cut. */
  async function cutSession() {
    const server = await start();
    const id = await server.session({ title: 'harbour' });
    for (let count = 0; count < 6; count += 1) {
      await server.append(id, `message ${count} of the harbour ${'word '.repeat(60)}`);
    }
    await server.truncate(id, 200);
    return { ...server, id };
  }

  itInTurn('finds the fullest session', async () => {
    const { url, session, append } = await start();
    for (const [title, words] of Object.entries({ small: 5, full: 3_000, middle: 500 })) {
      await append(await session({ title }), 'word '.repeat(words));
    }
    const page = await open(url);
    await page.getByLabel('Order').selectOption('fullest');
    await expect.poll(() => page.locator('.session .name b').allTextContents()).toEqual(['full', 'middle', 'small']);
    await page.getByText('full', { exact: true }).click();
    await page.getByRole('heading', { name: 'full' }).waitFor();
  });

  itInTurn('reads the window as it was at any past moment', async () => {
    const { url, id } = await cutSession();
    const page = await open(url, `#/session/${id}`);
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('message 5 of the harbour');
    expect(await page.locator('.message-list').textContent()).not.toContain('message 0 of the harbour');
    await page.locator('.timeline button', { hasText: 'append7 · ' }).click();
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('message 0 of the harbour');
    await page.getByRole('button', { name: '#1 user' }).click();
    await expect.poll(() => page.getByRole('button', { name: '#1 user' }).getAttribute('aria-expanded')).toBe('true');
  });

  itInTurn('sees what differs between two moments', async () => {
    const { url, id, append } = await cutSession();
    await append(id, 'a new message');
    const page = await open(url, `#/session/${id}?view=diff&a=7`);
    await expect.poll(() => page.locator('.totals').textContent()).toMatch(/[45] cut.*1 added/);
    await expect.poll(() => page.locator('.message.cut').first().textContent()).toContain('message 0');
    await page.locator('.message-list').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect.poll(() => page.locator('.message.added').textContent()).toContain('a new message');
  });

  itInTurn('sees which message each line of a summary quotes, and what the summary leaves out', async () => {
    const { url, session, append, post } = await start();
    const id = await session();
    for (let count = 0; count < 12; count += 1) {
      await append(id, `The port of service ${count} is ${4000 + count}. A quiet evening by harbour number ${count}.`);
    }
    await post(`/v1/sessions/${id}/compress`, { ratio: 2 });
    const page = await open(url, `#/session/${id}?view=summary`);
    const line = page.locator('.line', { hasText: /#(\d+)/ }).nth(1);
    const place = /#(\d+)/.exec((await line.textContent()) ?? '')?.[1];
    await line.click();
    await page
      .locator('.origin .message')
      .getByRole('button', { name: `#${place} user` })
      .waitFor();
    expect(await page.locator('.origin mark').count()).toBe(1);
    await page.getByLabel('Search', { exact: true }).fill('evening');
    const others = page.locator('.pieces li').filter({ hasNotText: 'evening' });
    await expect.poll(() => others.count()).toBe(0);
    expect(await page.locator('.pieces li').count()).toBeGreaterThan(0);
  });

  itInTurn('searches in what was dropped', async () => {
    const { url, id } = await cutSession();
    const page = await open(url, `#/session/${id}`);
    await page.getByRole('button', { name: 'dropped' }).click();
    await page.getByLabel('Search in what was dropped').fill('1 MESSAGE');
    await expect
      .poll(() => page.locator('.dropped-view .message').allTextContents())
      .toEqual([expect.stringContaining('message 1 of the harbour')]);
    expect(await page.locator('.dropped-view mark').allTextContents()).toEqual(['message', '1']);
    await page.getByLabel('Search in what was dropped').fill('message 5');
    await page.getByText('Nothing that was dropped has these words.').waitFor();
  });

  itInTurn('finds the request that led to a 400', async () => {
    const { url, session, post, open: send } = await start();
    const id = await session();
    const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } };
    await post(`/v1/sessions/${id}/messages`, {
      messages: [
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: 'done' },
      ],
    });
    const refused = await send('POST', `/v1/sessions/${id}/messages`, {
      role: 'tool',
      tool_call_id: 'c1',
      content: '2',
    });
    expect(refused.status).toBe(400);
    const page = await open(url, '#/journal');
    await page.getByLabel('Filter').fill('400');
    // The refusal, and beside it the request that its hint names.
    await expect.poll(() => page.locator('.request .number').allTextContents()).toEqual(['3', '2']);
    expect(await page.locator('.pair').count()).toBe(1);
    await page.locator('.request').first().click();
    await page.getByRole('link', { name: 'Show request #2' }).click();
    await page.getByRole('heading', { name: '#2 POST' }).waitFor();
  });

  itInTurn('forks from a past moment, and a client goes on there', async () => {
    const { url, id, emulator, inspect } = await cutSession();
    const page = await open(url, `#/session/${id}?at=4`);
    await page.getByRole('button', { name: 'Fork here' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('This session stays as it is');
    await dialog.getByRole('button', { name: 'Fork' }).click();
    await page.getByRole('heading', { name: 'fork of harbour' }).waitFor();
    const forked = /sess_\w+/.exec(page.url())?.[0] ?? '';
    expect(forked).not.toBe(id);
    const client = new KimiClient({ baseURL: emulator.baseURL, apiKey: 'sk-test', maxRetries: 0 });
    await client.sessions.append(forked, { role: 'user', content: 'go on from here' });
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('go on from here');
    expect((await inspect<{ messages: number }>(`/sessions/${forked}/window`)).messages).toBe(4);
  });

  itInTurn('rolls back to a past moment, and undoes that', async () => {
    const { url, id, inspect } = await cutSession();
    const messages = async () => (await inspect<{ messages: number }>(`/sessions/${id}/window`)).messages;
    const before = await messages();
    const page = await open(url, `#/session/${id}?at=7`);
    await page.getByRole('button', { name: 'Roll back to here' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await page.getByText('Rolled back.').waitFor();
    expect(await messages()).toBe(6);
    await page.locator('.timeline .kind-rollback').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click();
    await expect.poll(messages).toBe(before);
  });

  itInTurn('undoes one change after the other with a key, until there is nothing left', async () => {
    const { url, session, append, inspect } = await start();
    const id = await session();
    for (let count = 0; count < 3; count += 1) await append(id, `message ${count}`);
    const page = await open(url, `#/session/${id}`);
    await page.locator('.timeline .kind-append').first().waitFor();
    for (const [left, moment] of [2, 1, 0].entries()) {
      await press(page, 'u');
      await page.getByRole('dialog', { name: 'Undo the last change: append' }).waitFor();
      await press(page, 'Enter');
      await expect.poll(() => page.locator('.timeline .kind-undo').count()).toBe(left + 1);
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect((await inspect<WindowPage>(`/sessions/${id}/window`)).messages).toBe(moment);
    }
    await press(page, 'u');
    await page.getByText('There is nothing to undo.').waitFor();
    // What was undone is one row back, for whoever wants it again.
    await append(id, 'after all');
    await expect.poll(() => page.locator('.timeline .kind-append').count()).toBe(4);
    await press(page, 'u');
    await page.getByRole('dialog', { name: 'Undo the last change: append' }).waitFor();
  });

  itInTurn('sees what each turn cost beside both baselines', async () => {
    const { url, session, chat, truncate, inspect } = await start();
    const id = await session();
    for (let count = 0; count < 4; count += 1) await chat(id, `${'word '.repeat(400)} question ${count}?`);
    const page = await open(url, `#/session/${id}`);
    await page.locator('.fill a').click();
    await expect.poll(() => page.locator('.cards').textContent()).toMatch(/4 turns.*with cache.*without cache/);
    await page.locator('.chart canvas').waitFor();
    await expect.poll(() => page.locator('.turns .row').count()).toBe(4);
    await truncate(id, 500);
    await chat(id, 'one more?');
    await expect.poll(() => page.locator('.turns .row').count()).toBe(5);
    // Each column has what the API says of the turn.
    const { turns } = await inspect<{ turns: TurnCost[] }>(`/spend?session=${id}`);
    const [{ cost = 0, prompt_tokens = 0, cached_tokens = 0, output_tokens = 0, stateless = null } = {}] =
      turns.slice(-1);
    const shown = [cost, stateless?.with_cache ?? 0, stateless?.without_cache ?? 0].map((sum) => sum.toFixed(6));
    // Cut, cached, and neither: three sums.
    expect(new Set(shown).size).toBe(3);
    const figures = await page.locator('.turns .row').first().locator('.figure').allTextContents();
    const tokens = [prompt_tokens, cached_tokens, output_tokens].map((count) => count.toLocaleString('en-US'));
    expect(figures).toEqual([...tokens, ...shown]);
    const total = turns.reduce((sum, turn) => sum + turn.cost, 0);
    expect(await page.locator('.cards dd').first().textContent()).toBe(`${total.toFixed(total < 0.01 ? 6 : 4)} USD`);
  });

  itInTurn('sets a fault, moves the clock, and exports the session', async () => {
    const { url, id, emulator } = await cutSession();
    const page = await open(url, '#/tools');
    await page.getByLabel('Error').selectOption('rpm_limit');
    await page.getByRole('button', { name: 'Set a fault' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('createChatCompletion is refused with rpm_limit');
    await dialog.getByRole('button', { name: 'Set it' }).click();
    await expect.poll(() => page.locator('.faults').textContent()).toContain('rpm_limit');
    expect(emulator.faults.list()).toHaveLength(1);
    const before = emulator.clock.now();
    await page.getByRole('button', { name: 'Forward 1 day' }).click();
    await dialog.getByRole('button', { name: 'Move it' }).click();
    await expect.poll(() => emulator.clock.now() - before).toBeGreaterThanOrEqual(86_400_000);
    await page.goto(`${url}/_emulator/ui#/session/${id}`);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const file = await (await download).path();
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ format: 'kimi-emulator-state/1' });
  });
});
