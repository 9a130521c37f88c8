import { runAgent } from './agent-program.ts';

/** Runs the program in a process of its own, and kills that process at the place given. */
const [baseURL = '', path = '', at = ''] = process.argv.slice(2);
let left = Number(at);

await runAgent(baseURL, path, () => {
  if (left-- > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment, in which nothing further may happen.
  for (;;);
});
