#!/usr/bin/env bash
# @openai/agents 0.20.0 with openai 6.49.0 and zod 4.6.7, seen 2026-12-01.
# Kimi numbers its tool calls within one answer, so that the second answer of a run calls read_0 again. With other
# arguments the run ends with a ModelBehaviorError. With the same arguments (a status that is polled, a test that is run
# again) nothing is raised: the second call is dropped, the tool does not run, and the next request is the one before,
# word for word, so that the model cannot know it has asked.
# Follows: this SDK cannot run two steps on an API whose call ids are unique within a message only. Give each answer's ids
# a prefix of its own in the `fetch` of the client, and take it off again in the history that goes back.
# Output seen:
#   read_0 {"path":"one"}, read_0 {"path":"two"}: ModelBehaviorError, ran one
#   read_0 {"path":"one"}, read_0 {"path":"one"}: done, ran one, requests 2 and 3 equal: true
#   read_0 {"path":"one"}, read_1 {"path":"one"}: done, ran one one, requests 2 and 3 equal: false
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @openai/agents@0.20.0 openai@6.49.0 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';

setTracingDisabled(true);
let calls;
let requests;
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  requests.push(body);
  const call = calls.shift();
  const message = call
    ? { content: '', tool_calls: [{ id: call[0], type: 'function', function: { name: 'read', arguments: call[1] } }] }
    : { content: 'done' };
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: call ? 'tool_calls' : 'stop' }];
  const usage = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'kimi-k3', choices, usage }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const model = new OpenAIChatCompletionsModel(new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 }), 'kimi-k3');
const lines = [];
for (const [id, path] of [['read_0', 'two'], ['read_0', 'one'], ['read_1', 'one']]) {
  calls = [['read_0', '{"path":"one"}'], [id, JSON.stringify({ path })]];
  requests = [];
  const ran = [];
  const execute = async (input) => {
    ran.push(input.path);
    return 'text';
  };
  const read = tool({ name: 'read', description: 'Reads.', parameters: z.object({ path: z.string() }), execute });
  const title = calls.map((call) => call.join(' ')).join(', ');
  const end = await run(new Agent({ name: 'a', model, tools: [read] }), 'Read.', { maxTurns: 4 }).then(
    ({ finalOutput }) => `${finalOutput}, ran ${ran.join(' ')}, requests 2 and 3 equal: ${requests[1] === requests[2]}`,
    (error) => `${error.name}, ran ${ran.join(' ')}`,
  );
  lines.push(`${title}: ${end}`);
}
server.closeAllConnections();
server.close();
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'read_0 {"path":"one"}, read_0 {"path":"two"}: ModelBehaviorError, ran one',
  'read_0 {"path":"one"}, read_0 {"path":"one"}: done, ran one, requests 2 and 3 equal: true',
  'read_0 {"path":"one"}, read_1 {"path":"one"}: done, ran one one, requests 2 and 3 equal: false',
]);
JS
node check.mjs
