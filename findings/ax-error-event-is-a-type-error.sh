#!/usr/bin/env bash
# @ax-llm/ax 24.0.21, seen 2026-12-01.
# An engine that is overloaded refuses with 429 and a reason, or, once it has begun to stream, sends the same reason as
# an event. ax tells the first with the server's words. Of the second nothing is left: the stream rejects with a
# TypeError about reading "map" of undefined, which looks like a fault of the program, and is not tried again.
# Follows: treat a TypeError from the stream of an OpenAI-like server as an answer that broke off, and ask anew.
# Output seen:
#   refused before the stream: names the reason
#   refused within the stream: TypeError, names nothing
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund @ax-llm/ax@24.0.21 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { ai } from '@ax-llm/ax';

const error = { message: 'The engine is currently overloaded, please try again later', type: 'engine_overloaded_error' };
const choices = [{ index: 0, delta: { role: 'assistant', content: 'Half' }, finish_reason: null }];
const events = [{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices }, { error }];
let begun = false;
const server = http.createServer((_, response) => {
  response.writeHead(begun ? 200 : 429, { 'content-type': begun ? 'text/event-stream' : 'application/json' });
  response.end(begun ? events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') : JSON.stringify({ error }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const apiURL = `http://127.0.0.1:${server.address().port}/v1`;
const model = ai({ name: 'openai', apiKey: 'none', apiURL, config: { model: 'm' } });

async function ask() {
  const options = { stream: true, retry: { maxRetries: 0 } };
  const stream = await model.chat({ chatPrompt: [{ role: 'user', content: 'Hi' }] }, options);
  for await (const _ of stream) continue;
}
const told = (thrown) => JSON.stringify(thrown, Object.getOwnPropertyNames(thrown)) + String(thrown);
const before = await ask().then(() => assert.fail('was answered'), (thrown) => thrown);
begun = true;
const within = await ask().then(() => assert.fail('was answered'), (thrown) => thrown);
console.log(`refused before the stream: ${/overloaded/.test(told(before)) ? 'names the reason' : 'names nothing'}`);
console.log(`refused within the stream: ${within.name}, ${/overloaded/.test(told(within)) ? 'names the reason' : 'names nothing'}`);
assert.match(told(before), /overloaded/);
assert.doesNotMatch(told(within), /overloaded/);
assert.ok(within instanceof TypeError);
process.exit(0);
JS
node check.mjs
