#!/usr/bin/env bash
# @langchain/openai 1.5.8 with @langchain/core 1.4.0, seen 2026-11-30.
# An answer calls a tool and brings reasoning_content. The message that ChatOpenAI returns shows that text under
# additional_kwargs, so it looks kept; but when the same message goes back in the history, the request has the calls and
# no reasoning_content. kimi-k2.6 refuses such a history while it thinks: "thinking is enabled but reasoning_content is
# missing in assistant tool call message at index 1", so every second step of an agent fails.
# Follows: put it back below the library, in a `fetch` of `configuration` that copies reasoning_content from the answers
# it has seen to the assistant messages with the same call ids; or turn thinking off.
# Output seen:
#   read: reasoning_content "I look it up."
#   sent: role, content, tool_calls
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @langchain/openai@1.5.8 @langchain/core@1.4.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';

const call = { index: 0, id: 'look_0', type: 'function', function: { name: 'look', arguments: '{}' } };
const answers = [
  [{ role: 'assistant', content: '', reasoning_content: 'I look it up.', tool_calls: [call] }, 'tool_calls'],
  [{ role: 'assistant', content: 'Done.' }, 'stop'],
];
const requests = [];
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const [message, finish_reason] = answers[requests.push(JSON.parse(body)) - 1];
  response.writeHead(200, { 'content-type': 'application/json' });
  const choices = [{ index: 0, message, finish_reason }];
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'kimi-k2.6', choices, usage }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const model = new ChatOpenAI({ model: 'kimi-k2.6', apiKey: 'none', maxRetries: 0, configuration: { baseURL } });

const question = new HumanMessage('Look.');
const answer = await model.invoke([question]);
const read = answer.additional_kwargs.reasoning_content;
await model.invoke([question, answer, new ToolMessage({ tool_call_id: 'look_0', content: 'found' })]);
const sent = Object.keys(requests[1].messages[1]).join(', ');
console.log(`read: reasoning_content ${JSON.stringify(read)}`);
console.log(`sent: ${sent}`);
assert.equal(read, 'I look it up.');
assert.equal(sent, 'role, content, tool_calls');
server.closeAllConnections();
server.close();
JS
node check.mjs
