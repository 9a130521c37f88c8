/** A route of the emulator's own: `METHOD /path`, what it is for, and the page that says what it takes. */
interface ControlRoute {
  readonly route: string;
  readonly meaning: string;
  readonly page: string;
}

/** Every route below `/_emulator`, none of which is part of the contract. */
export const CONTROL_ROUTES: readonly ControlRoute[] = [
  { route: 'GET /_emulator/health', meaning: 'whether it answers', page: 'docs/journal.md' },
  { route: 'GET /_emulator/ui', meaning: 'the inspector, a page', page: 'docs/inspector.md' },
  { route: 'GET /_emulator/clock', meaning: 'its time', page: 'docs/testing.md' },
  { route: 'POST /_emulator/clock', meaning: 'moves its time forward', page: 'docs/testing.md' },
  { route: 'POST /_emulator/reset', meaning: 'returns to the baseline', page: 'docs/state.md' },
  { route: 'POST /_emulator/baseline', meaning: 'makes the present state the baseline', page: 'docs/state.md' },
  { route: 'GET /_emulator/export', meaning: 'the state as a file', page: 'docs/state.md' },
  { route: 'POST /_emulator/import', meaning: 'adds the state of such a file', page: 'docs/state.md' },
  { route: 'POST /_emulator/faults', meaning: 'sets a fault', page: 'docs/faults.md' },
  { route: 'GET /_emulator/faults', meaning: 'faults that have yet to act', page: 'docs/faults.md' },
  { route: 'DELETE /_emulator/faults', meaning: 'removes all faults', page: 'docs/faults.md' },
  { route: 'DELETE /_emulator/faults/:id', meaning: 'removes one', page: 'docs/faults.md' },
  { route: 'GET /_emulator/journal', meaning: 'the last requests and their answers', page: 'docs/journal.md' },
  { route: 'DELETE /_emulator/journal', meaning: 'forgets them', page: 'docs/journal.md' },
  { route: 'GET /_emulator/script', meaning: 'the rules that answer first', page: 'docs/testing.md' },
  { route: 'PUT /_emulator/script', meaning: 'replaces them', page: 'docs/testing.md' },
  { route: 'DELETE /_emulator/script', meaning: 'removes them', page: 'docs/testing.md' },
  { route: 'GET /_emulator/spend', meaning: 'what chats cost', page: 'docs/spend.md' },
];

/** The page that documents a control route; undefined for any other path. */
export function controlPage(path: string): string | undefined {
  if (!path.startsWith('/_emulator/')) return undefined;
  const [, , name] = path.split('/');
  return CONTROL_ROUTES.find(({ route }) => route.split('/')[2] === name)?.page ?? 'docs/journal.md';
}
