import { expect, it } from 'vitest';
import { runConformance } from '../../../conformance/core/run.ts';
import { emulatorTarget } from '../../../conformance/index.ts';
import { toJson } from '../../../conformance/report/report.ts';
import type { Target } from '../../../conformance/targets/target.ts';

/** The emulator behind something that fails each first read of a share, so that it is sent again. */
function failingFirstReads(real: Target): Target {
  const failed = new Set<string>();
  const flaky: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method !== 'GET' || !request.url.includes('/shares/') || failed.has(request.url))
      return real.fetch(request);
    failed.add(request.url);
    return new Response('{}', { status: 503 });
  };
  return { ...real, fetch: flaky };
}

it('the report of a run has no share id in it, also where a share was read again', async () => {
  const real = await emulatorTarget({ scale: 'small' });
  try {
    const report = await runConformance(failingFirstReads(real), { cases: ['shares'] });
    expect(report.retries.filter(({ request }) => request.includes('/shares/'))).not.toEqual([]);
    // An id that the kit made up lets nobody in.
    expect(toJson(report)).not.toMatch(/shr_(?!kimiconformance)[A-Za-z0-9]/);
    expect(toJson(report)).not.toContain(real.keys.a);
  } finally {
    await real.close?.();
  }
});
