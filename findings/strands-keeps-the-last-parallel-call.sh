#!/usr/bin/env bash
# @strands-agents/sdk 1.19.0 with openai 6.49.0, @modelcontextprotocol/sdk 1.32.2 and zod 4.6.7, seen 2026-12-01.
# A streamed answer says a sentence and makes three calls at indexes 0, 1 and 2, as the chat completions API streams
# them. The agent runs the third alone. The sentence and the other calls are in no event, and the history that goes back
# holds one call with its result: the model is told, in its own name, that it had asked for one thing.
# Follows: ask for parallel_tool_calls: false, and look at the requests of an agent, not at its answers: the history is
# valid, so no server can object.
# Output seen:
#   asked for: a, b, c
#   ran: c
#   sent back: content "", 1 call, 1 result
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @strands-agents/sdk@1.19.0 openai@6.49.0 @modelcontextprotocol/sdk@1.32.2 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { Agent, tool } from '@strands-agents/sdk';
import { OpenAIModel } from '@strands-agents/sdk/models/openai';
import * as z from 'zod';

const ASKED = ['a', 'b', 'c'];
const call = (name, index) => ({
  index,
  id: `look:${index}`,
  type: 'function',
  function: { name: 'look', arguments: JSON.stringify({ name }) },
});
const answers = [
  [[{ role: 'assistant', content: 'I look.' }, ...ASKED.map((name, index) => ({ tool_calls: [call(name, index)] }))], 'tool_calls'],
  [[{ role: 'assistant', content: 'Done.' }], 'stop'],
];
const requests = [];
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const [deltas, last] = answers[requests.push(JSON.parse(body)) - 1];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta, finish_reason) => {
    const choices = [{ index: 0, delta, finish_reason }];
    response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`);
  };
  for (const delta of deltas) send(delta, null);
  send({}, last);
  response.end('data: [DONE]\n\n');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const ran = [];
const look = tool({
  name: 'look',
  description: 'Looks something up.',
  inputSchema: z.object({ name: z.string() }),
  callback: ({ name }) => `${ran.push(name)} found`,
});
const model = new OpenAIModel({ api: 'chat', modelId: 'm', apiKey: 'none', clientConfig: { baseURL, maxRetries: 0 } });
await new Agent({ model, tools: [look], printer: false }).invoke('Look three things up.');

const sent = requests[1].messages;
const said = sent.find(({ role }) => role === 'assistant');
const results = sent.filter(({ role }) => role === 'tool');
console.log(`asked for: ${ASKED.join(', ')}`);
console.log(`ran: ${ran.join(', ')}`);
console.log(`sent back: content ${JSON.stringify(said.content)}, ${said.tool_calls.length} call, ${results.length} result`);
assert.deepEqual(ran, ['c']);
assert.deepEqual([said.content, said.tool_calls.map(({ id }) => id), results.length], ['', ['look:2'], 1]);
server.closeAllConnections();
server.close();
JS
node check.mjs
