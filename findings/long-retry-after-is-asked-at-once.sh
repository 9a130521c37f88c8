#!/usr/bin/env bash
# openai 7.59.0, ai 6.0.326 with @ai-sdk/openai-compatible 2.0.92 and zod 4.6.7, @langchain/openai 1.5.8 with
# @langchain/core 1.4.0, seen 2026-12-01.
# A 429 says in Retry-After how long to wait. For 4 seconds all three clients wait. For an hour, as where a day's tokens
# are used up, openai and ai do not wait longer but shorter: the header is dropped, and they ask again after half a second
# and two. LangChain asks no more. The border is at a minute: 61 is as 3600; at 60 openai still waits, ai no longer (seen
# apart).
# Follows: the longer a server asks to be left alone, the sooner it is asked, and all retries are spent in seconds. Set
# `maxRetries: 0` and read the header of the error yourself, or cap what your server sends at 59.
# Output seen:
#   retry-after: 4     openai waits, ai waits, langchain waits
#   retry-after: 3600  openai asks within ten seconds, ai asks within ten seconds, langchain gives up
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  openai@7.59.0 ai@6.0.326 @ai-sdk/openai-compatible@2.0.92 zod@4.6.7 @langchain/openai@1.5.8 @langchain/core@1.4.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { generateText } from 'ai';
import OpenAI from 'openai';

let seconds;
let asked;
const server = http.createServer((request, response) => {
  request.resume();
  asked.push(performance.now());
  const choices = [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }];
  const answer = { id: 'c', object: 'chat.completion', created: 1, model: 'kimi-k3', choices };
  const error = { error: { message: 'busy', type: 'rate_limit_reached_error' } };
  const isFirst = asked.length === 1;
  response.writeHead(isFirst ? 429 : 200, { 'content-type': 'application/json', ...(isFirst && { 'retry-after': seconds }) });
  response.end(JSON.stringify(isFirst ? error : answer));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const settings = { apiKey: 'none', maxRetries: 1 };
const messages = [{ role: 'user', content: 'x' }];
const clients = {
  openai: (signal) => new OpenAI({ ...settings, baseURL }).chat.completions.create({ model: 'kimi-k3', messages }, { signal }),
  ai: (abortSignal) =>
    generateText({
      model: createOpenAICompatible({ name: 'kimi', apiKey: 'none', baseURL })('kimi-k3'), prompt: 'x', maxRetries: 1, abortSignal,
    }),
  langchain: (signal) => new ChatOpenAI({ ...settings, model: 'kimi-k3', configuration: { baseURL } }).invoke('x', { signal }),
};
const lines = [];
for (seconds of ['4', '3600']) {
  const ends = [];
  for (const [name, ask] of Object.entries(clients)) {
    asked = [];
    // A client that obeys an hour is not waited for.
    await ask(AbortSignal.timeout(30_000)).catch(() => {});
    const [first, second] = asked;
    const waited = second === undefined ? Number.POSITIVE_INFINITY : second - first;
    const early = waited < 10_000 ? 'asks within ten seconds' : 'gives up';
    ends.push(`${name} ${waited > 3900 && waited < 10_000 ? 'waits' : early}`);
  }
  lines.push(`retry-after: ${seconds.padEnd(4)}  ${ends.join(', ')}`);
}
server.closeAllConnections();
server.close();
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'retry-after: 4     openai waits, ai waits, langchain waits',
  'retry-after: 3600  openai asks within ten seconds, ai asks within ten seconds, langchain gives up',
]);
JS
node check.mjs
