import { routeOf, withHeader } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type CrossAccountRequest, onCrossAccount } from '../../proof/other-account.ts';
import { refusal } from '../../proof/sessions.ts';
import { ROUTES } from '../../tables/routes.ts';
import { CROSS_ACCOUNT_CASES } from './route-cases.ts';

/** For each route, a server that tells accounts apart on all others. */

const mutant = mutantsOf('accounts');

function ofRoute({ name }: (typeof ROUTES)[number]): Mutant[] {
  const id = `accounts.${name}`;
  const known = Object.keys(CROSS_ACCOUNT_CASES.find((subject) => subject.id === id)?.checks ?? {});
  const caught = (...checks: string[]) =>
    checks.filter((check) => known.includes(check)).map((check) => `${id}/${check}`);
  const met = (meet: (request: CrossAccountRequest) => Promise<Response>) =>
    onCrossAccount((request) => (routeOf(request.request) === name ? meet(request) : request.forward()));
  return [
    mutant(`let-in-on-${name}`, `${name} is carried out for any account`)
      .caughtBy(...caught('not-found', 'does-nothing'))
      .proxy(() => met(({ asOwner }) => asOwner())),
    mutant(`told-apart-on-${name}`, `${name} of another account is refused in other words than of an unknown id`)
      .caughtBy(...caught('as-unknown'))
      .proxy(() => met(async ({ forward }) => withHeader(await forward(), 'Retry-After', '1'))),
    mutant(`conflict-told-on-${name}`, `${name} of another account tells that the version is another`)
      .caughtBy(...caught('version-hidden'))
      .proxy(() =>
        met(async ({ request, forward }) =>
          request.headers['if-match'] === '"999999"' ? refusal('version_conflict') : forward(),
        ),
      ),
    mutant(`key-told-on-${name}`, `${name} of another account tells that its key is used`)
      .caughtBy(...caught('key-hidden'))
      .proxy(() =>
        met(async ({ request, forward }) => {
          const response = await forward();
          const keyed = request.headers['idempotency-key'] !== undefined;
          return keyed && (await response.clone().text()).includes('"error"')
            ? refusal('idempotency_mismatch')
            : response;
        }),
      ),
  ].filter(({ caughtBy }) => caughtBy.length > 0);
}

const READS = mutant(
  'reads-told-apart',
  'a read of what is of another account is refused in other words than of an unknown id',
)
  .caughtBy('accounts.read/as-never-was', 'accounts.snapshots/as-never-was')
  .onCrossAccount(async ({ request, forward }) => {
    const response = await forward();
    return request.method === 'GET' ? withHeader(response, 'retry-after', '1') : response;
  });

export const ROUTE_MUTANTS: readonly Mutant[] = [
  READS,
  ...ROUTES.filter(({ names }) => names && names !== 'share').flatMap(ofRoute),
];
