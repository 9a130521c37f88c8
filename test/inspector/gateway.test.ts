import { expect, onTestFinished, test } from 'vitest';
import { createGateway } from '../../emulator/index.ts';
import type { Overview, Timeline } from '../../emulator/inspector/answers.ts';
import { Api, startEmulator } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';
import { describeInBrowser } from './browser.ts';

describeInBrowser('the inspector of a gateway', ({ open }) => {
  test('shows a turn that its upstream has answered: the window, the past, the journal and the cost', async () => {
    const upstream = await startEmulator('over HTTP', { tokenizer: O200K, stateless: true });
    const gateway = createGateway({ upstream: upstream.emulator.baseURL, tokenizer: O200K });
    onTestFinished(() => gateway.close());
    const { url } = await gateway.listen();
    const api = new Api(gateway, 'over HTTP');
    const { id } = (await api.post<{ id: string }>('/v1/sessions', { title: 'harbour' })).body;
    const page = await open(url, `#/session/${id}`);
    await page.getByText('The window is empty').waitFor();
    const messages = [{ role: 'user', content: 'The code is 7. What is the code?' }];
    const turn = await api.post('/v1/chat/completions', { model: 'kimi-k3', session_id: id, messages });
    expect(turn.status).toBe(200);
    await expect.poll(() => page.locator('.message-list').textContent()).toContain('The code is 7.');
    await expect.poll(() => page.locator('.message.assistant .text').textContent()).toBe('7');
    expect((await api.get<Overview>('/_emulator/inspect')).body).toMatchObject({ sessions: 1, read_only: false });
    const { items } = (await api.get<Timeline>(`/_emulator/inspect/sessions/${id}`)).body;
    expect(items.map(({ kind }) => kind)).toEqual(['created', 'turn']);
    await page.keyboard.press('2');
    await expect.poll(() => page.locator('.request .operation').first().textContent()).toBe('createChatCompletion');
    await page.keyboard.press('3');
    await expect.poll(() => page.locator('.turns .row').count()).toBe(1);
    expect(await page.locator('.cards dt').first().textContent()).toBe('as it was, 1 turn');
  });
});
