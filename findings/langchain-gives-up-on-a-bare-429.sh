#!/usr/bin/env bash
# @langchain/openai 1.5.8 with @langchain/core 1.4.0, openai 7.59.0, seen 2026-11-30.
# With `maxRetries: 1` both clients should ask twice. A 503 is asked again by both. A 429 is asked again by LangChain
# only where it carries `Retry-After` in seconds; a bare one, and one with `retry-after-ms` alone, ends the call at
# once.
# Follows: `maxRetries` of LangChain is void against a rate limit that does not say for how long, and Moonshot does
# not document that header. Retry around LangChain, and test with a 429 of both kinds.
# Output seen:
#   503 bare              openai 2, langchain 2
#   429 retry-after: 1    openai 2, langchain 2
#   429 bare              openai 2, langchain 1
#   429 retry-after-ms: 9 openai 2, langchain 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @langchain/openai@1.5.8 @langchain/core@1.4.0 openai@7.59.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';
let status;
let headers;
let asked;
const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    asked += 1;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end('{"error":{"message":"busy","type":"rate_limit_reached_error"}}');
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const clients = {
  openai: () =>
    new OpenAI({ apiKey: 'none', baseURL, maxRetries: 1 }).chat.completions.create({
      model: 'kimi-k2', messages: [{ role: 'user', content: 'x' }],
    }),
  langchain: () =>
    new ChatOpenAI({ apiKey: 'none', model: 'kimi-k2', maxRetries: 1, configuration: { baseURL } }).invoke('x'),
};
const lines = [];
for (const [code, extra] of [[503, {}], [429, { 'retry-after': '1' }], [429, {}], [429, { 'retry-after-ms': '9' }]]) {
  status = code;
  headers = extra;
  const counts = [];
  for (const [name, call] of Object.entries(clients)) {
    asked = 0;
    await assert.rejects(call());
    counts.push(`${name} ${asked}`);
  }
  const what = Object.entries(extra).map(([name, value]) => `${name}: ${value}`).join() || 'bare';
  lines.push(`${code} ${what.padEnd(17)} ${counts.join(', ')}`);
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  '503 bare              openai 2, langchain 2',
  '429 retry-after: 1    openai 2, langchain 2',
  '429 bare              openai 2, langchain 1',
  '429 retry-after-ms: 9 openai 2, langchain 1',
]);
server.closeAllConnections();
server.close();
JS
node check.mjs
