import type { ChatMessage } from '../../contract/messages.ts';

/** Commands of real projects, as an agent runs them in a terminal. */
export const COMMANDS = [
  'npm ci && npm test',
  'npx vitest run --maxWorkers=1 test/engines/tokens.test.ts',
  'git log --oneline -20 -- src/router.ts',
  "rg -n 'createHmac' --glob '!dist' src | head -40",
  'curl -sS -X POST http://127.0.0.1:8787/v1/sessions -d @body.json',
  'docker compose up -d postgres && sleep 2',
  "sed -i 's/timeout: 30/timeout: 90/' config/default.yaml",
  'PGPASSWORD=dev psql -h 127.0.0.1 -p 5433 -c "select count(*) from jobs"',
  'npm run prove -- truncate.minimum-ignored',
  'python3 scripts/import.py --since 2026-03-01 --dry-run',
  'tar -xzf fixtures/big.tar.gz -C /tmp/fixtures',
  'node --cpu-prof --cpu-prof-dir=prof dist/cli.js bench',
  'jq ".scripts | keys" package.json',
  'cargo build --release --features simd',
  'kubectl -n staging rollout restart deploy/worker',
  'git stash push -m "wip: retry" && git rebase origin/main',
  'ffmpeg -i in.mov -ss 00:01:20 -t 8 out.gif',
  'make -j4 check SANITIZE=address',
  'npx tsc -p tsconfig.build.json --noEmit',
  'chmod 600 ~/.ssh/deploy_key',
  'ssh build@ci-7.example "journalctl -u runner --since -1h"',
];

/** A session of an agent that runs the commands between reading the files of `reads` (calls, each with its result). */
export function withCommands(reads: readonly ChatMessage[]): ChatMessage[] {
  const pairs = reads.length / 2;
  const messages: ChatMessage[] = [{ role: 'user', content: 'Find out why the build is slow, and mend it.' }];
  for (let at = 0; at < pairs; at++) {
    messages.push(...reads.slice(2 * at, 2 * at + 2));
    const due = COMMANDS.filter((_, number) => Math.floor(((number + 0.5) * pairs) / COMMANDS.length) === at);
    for (const command of due) messages.push(...run(command, `run_${messages.length}`));
  }
  return messages;
}

function run(command: string, id: string): ChatMessage[] {
  const args = JSON.stringify({ command, timeout: 120 });
  return [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id, type: 'function', function: { name: 'bash', arguments: args } }],
    },
    { role: 'tool', tool_call_id: id, content: 'done\nexit code 0' },
  ];
}
