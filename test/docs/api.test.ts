import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LIMIT_NAMES, resolveLimits } from '../../contract/limits.ts';
import { apiReference } from '../../docs/api-reference.ts';
import { apiRoutes } from '../../emulator/app.ts';
import { startEmulator } from '../support/emulator.ts';

interface Document {
  openapi: string;
  paths: Record<string, Record<string, unknown>>;
  components: { schemas: Record<string, unknown> };
}

it('docs/api.md is up to date with the schemas (npm run docs)', () => {
  expect(readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')).toBe(apiReference());
});

it('docs/api.md names every limit', () => {
  for (const name of LIMIT_NAMES) expect(apiReference()).toContain(`\`${name}\``);
});

describe('/openapi.json', () => {
  it('is served without a key, and each reference in it resolves', async () => {
    const api = await startEmulator('in process');
    const response = await api.emulator.fetch(`${api.emulator.baseURL.replace('/v1', '')}/openapi.json`);
    expect(response.status).toBe(200);
    const document = (await response.json()) as Document;
    expect(document.openapi).toBe('3.1.0');
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(document.components.schemas).toHaveProperty(String(name));
  });

  it('lists exactly the routes that are served', async () => {
    const api = await startEmulator('in process');
    const { body } = await api.get<Document>('/openapi.json');
    const described = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const lazy = apiRoutes(resolveLimits(), () => Promise.reject(new Error('not asked'))).flatMap(({ base, routes }) =>
      routes.map((route) => route.replace(' /', ` ${base}/`).replace(/\/$/, '')),
    );
    const served = lazy.map((route) => route.replaceAll(/:(\w+)/g, '{$1}'));
    const shape = (route: string) => route.replaceAll(/\{\w+\}/g, '{}');
    expect(described.map(shape).toSorted()).toEqual([...new Set(served.map(shape))].toSorted());
  });
});
