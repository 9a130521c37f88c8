import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGateway } from '../../emulator/index.ts';
import { openApi, startEmulator, TRANSPORTS } from '../support/emulator.ts';

interface StartPage {
  version: string;
  kind: string;
  base_url: string;
  routes: { api: Record<string, string>; control: Record<string, string> };
}

const BROWSER = { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

describe.each(TRANSPORTS)('GET / %s', (transport) => {
  it('says in JSON which version it is and which routes it has, control routes too, without a key', async () => {
    const api = await startEmulator(transport);
    const { status, headers, body } = await api.get<StartPage>('/', { headers: { Authorization: '' } });
    expect([status, headers.get('vary')]).toEqual([200, 'Accept']);
    expect(body.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(body).toMatchObject({
      kind: 'emulator',
      base_url: api.emulator.baseURL,
      routes: {
        api: {
          'POST /v1/chat/completions': 'createChatCompletion',
          'POST /v1/sessions/{id}/compress': 'compressSession',
        },
        control: { 'GET /_emulator/journal': expect.any(String), 'DELETE /_emulator/faults/:id': expect.any(String) },
      },
    });
    expect(api.emulator.journal.entries()).toEqual([]);
  });

  it('serves every control route that it lists', async () => {
    const api = await startEmulator(transport);
    const { control } = (await api.get<StartPage>('/')).body.routes;
    for (const route of Object.keys(control)) {
      const [method = '', path = ''] = route.split(' ');
      const reply = await api.send(method, path, method === 'POST' ? '{}' : undefined, {
        headers: { 'Content-Type': 'application/json' },
      });
      expect(reply.text, route).not.toContain('url.not_found');
    }
  });

  it('is a page for a browser, which may load nothing but its own style', async () => {
    const api = await startEmulator(transport);
    const { status, headers, text } = await api.get('/', BROWSER);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const style = /<style>([^<]*)<\/style>/.exec(text)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(text).not.toMatch(
      /<script|<img|<link|src=|url\(|@import|https?:\/\/(?!127\.0\.0\.1|kimi-emulator\.invalid)/,
    );
    expect(text).toContain('<a href="/_emulator/journal">');
    expect(text).not.toContain('href="/_emulator/reset"');
  });

  it('leaves out the routes of sessions where none are kept, and names a gateway', async () => {
    const stateless = await startEmulator(transport, { stateless: true });
    const { api } = (await stateless.get<StartPage>('/')).body.routes;
    expect(Object.keys(api).filter((route) => route.includes('/sessions'))).toEqual([]);
    expect(api).toHaveProperty('POST /v1/chat/completions');
    const gateway = await openApi(createGateway({ upstream: 'http://upstream.invalid' }), transport);
    expect((await gateway.get<StartPage>('/')).body.kind).toBe('gateway');
    expect((await gateway.get('/', BROWSER)).text).toContain('handed on to the upstream');
  });

  it('is unknown by another method, and journaled like other unknown routes', async () => {
    const api = await startEmulator(transport);
    const { status, body } = await api.post('/', {});
    expect([status, body.error]).toEqual([404, 'url.not_found']);
    expect(api.emulator.journal.entries()).toMatchObject([{ method: 'POST', path: '/', status: 404 }]);
  });
});
