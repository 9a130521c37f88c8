#!/usr/bin/env bash
# @copilotkit/aimock 1.43.0 with openai 6.49.0, seen 2026-12-01.
# A recording proxy stands in front of a server whose answer ends with the finish reason "length" and whose usage has
# cached tokens. While it records, the client sees both. The fixture that it writes has no finish reason, and from the
# fixture the same answer comes with "stop"; the cached tokens do stand in the file, but not in the answer. It is so for
# a stream and for an answer that was recorded whole.
# Follows: the branch that goes on after "length" is never run by such a recording, half an answer passes for one, and
# costs worked out from usage are those without a cache. Write `finishReason` into the fixture by hand after recording.
# Output seen:
#   stream, recording  length, 64 of 100 cached
#   stream, replayed   stop, undefined of 100 cached
#   whole, recording   length, 64 of 100 cached
#   whole, replayed    stop, undefined of 100 cached
#   fixture            content usage; by hand, with finishReason: length
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @copilotkit/aimock@1.43.0 openai@6.49.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';

const usage = {
  prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_tokens_details: { cached_tokens: 64 },
};
const content = 'The first half of';
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const heading = { id: 'chatcmpl-1', created: 1, model: 'kimi-k3' };
  if (!JSON.parse(body).stream) {
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'length' }];
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify({ ...heading, object: 'chat.completion', choices, usage }));
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (choices, more) =>
    response.write(`data: ${JSON.stringify({ ...heading, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
  send([{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }]);
  send([{ index: 0, delta: {}, finish_reason: 'length' }]);
  send([], { usage });
  response.end('data: [DONE]\n\n');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const messages = [{ role: 'user', content: 'Write.' }];
async function ask(mock, stream) {
  const client = new OpenAI({ apiKey: 'none', baseURL: `${mock.url}/v1`, maxRetries: 0 });
  const settings = { model: 'kimi-k3', messages, stream, ...(stream && { stream_options: { include_usage: true } }) };
  const answer = await client.chat.completions.create(settings);
  let finish;
  let used;
  for await (const part of stream ? answer : [answer]) {
    finish = part.choices[0]?.finish_reason ?? finish;
    used = part.usage ?? used;
  }
  return `${finish}, ${used.prompt_tokens_details?.cached_tokens} of ${used.prompt_tokens} cached`;
}
const replay = async (folder, stream) => {
  const mock = new LLMock({ port: 0, logLevel: 'silent' });
  mock.loadFixtureDir(folder);
  await mock.start();
  const seen = await ask(mock, stream);
  await mock.stop();
  return seen;
};
const lines = [];
let path;
for (const stream of [true, false]) {
  const title = stream ? 'stream' : 'whole';
  const folder = join(process.cwd(), title);
  const mock = new LLMock({ port: 0, logLevel: 'silent' });
  mock.enableRecording({ providers: { openai: `http://127.0.0.1:${server.address().port}` }, fixturePath: folder });
  await mock.start();
  lines.push(`${`${title}, recording`.padEnd(18)} ${await ask(mock, stream)}`);
  await mock.stop();
  lines.push(`${`${title}, replayed`.padEnd(18)} ${await replay(folder, stream)}`);
  path = join(folder, readdirSync(folder, { recursive: true }).find((file) => file.endsWith('.json')));
}
server.closeAllConnections();
server.close();
const file = JSON.parse(readFileSync(path, 'utf8'));
const members = Object.keys(file.fixtures[0].response).join(' ');
file.fixtures[0].response.finishReason = 'length';
writeFileSync(path, JSON.stringify(file));
const mended = (await replay(join(process.cwd(), 'whole'), false)).split(',')[0];
lines.push(`fixture            ${members}; by hand, with finishReason: ${mended}`);
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'stream, recording  length, 64 of 100 cached',
  'stream, replayed   stop, undefined of 100 cached',
  'whole, recording   length, 64 of 100 cached',
  'whole, replayed    stop, undefined of 100 cached',
  'fixture            content usage; by hand, with finishReason: length',
]);
JS
node check.mjs
