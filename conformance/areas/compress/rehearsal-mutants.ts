import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type Handler, objectIn } from '../../proof/proxy.ts';
import { REHEARSAL_CASES } from './rehearsal-cases.ts';

/** A rehearsal does not look at one of its options; the change does. */
function rehearsesWithout(route: string, option: string): Handler {
  return (request, forward) => {
    const { [option]: value, ...options } = objectIn(request);
    const isIt = request.method === 'POST' && request.path.endsWith(`/${route}`) && options.dry_run === true;
    if (!isIt || value === undefined) return forward();
    return forward({
      body:
        option === 'preserve_len' && route === 'truncate' ? { ...options, preserve_len: 2 * Number(value) } : options,
    });
  };
}

const mutant = mutantsOf('compress', { rehearsesWithout });
const OPTIONS: Readonly<Record<string, string>> = {
  ratio: 'ratio',
  json: 'format',
  text: 'format',
  preserving: 'preserve_len',
};

const FORMATS = ['json', 'text'].map((format) =>
  mutant(`no-snapshot-for-${format}`, `a compress to ${format} takes no snapshot that stays`)
    .caughtBy(`compress.formats/${format}-undone`)
    .on('POST', '/v1/sessions/:id/compress', async (request, forward) => {
      const response = await forward();
      if (!response.ok || objectIn(request).format !== format) return response;
      const { snapshot_id } = (await response.clone().json()) as { snapshot_id: string | null };
      const { authorization = '' } = request.headers;
      const path = `/v1/snapshots/${snapshot_id}`;
      if (snapshot_id) await forward({ method: 'DELETE', path, body: undefined, headers: { authorization } });
      return response;
    }),
);

const REHEARSED = REHEARSAL_CASES.map(({ id }) => {
  const name = id.replace('compress.rehearsal-', '');
  const [route = '', ...options] = name.split('-');
  const option = OPTIONS[options.at(-1) ?? ''] ?? 'preserve_len';
  return mutant(`rehearses-${name}`, `the rehearsal of ${name} does not look at \`${option}\``)
    .caughtBy(`${id}/as-rehearsed`)
    .rehearsesWithout(route, option);
});

export const REHEARSAL_MUTANTS: readonly Mutant[] = [...FORMATS, ...REHEARSED];
