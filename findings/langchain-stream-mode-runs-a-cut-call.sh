#!/usr/bin/env bash
# langchain 1.5.14 with @langchain/openai 1.5.8, @langchain/core 1.4.0, @langchain/langgraph 1.7.3 and zod 4.6.7,
# seen 2026-12-01.
# An answer ends with finish_reason "length" in the middle of a call's arguments: {"path": "/srv/data/old. The same
# agent, asked the same: with invoke() and with streamMode "updates" the call is an invalid_tool_call and the run ends;
# with streamMode "messages" the model is asked for a stream, the message joined from its chunks has the call repaired
# to {"path":"/srv/data/old"} and nothing invalid, and the agent runs the tool with half a path.
# Follows: before a tool that changes something, look at response_metadata.finish_reason of the message that called it,
# and give calls room in max_tokens. A test with invoke() does not show what a screen that streams will do.
# Output seen:
#   invoke: ran nothing
#   updates: ran nothing
#   messages: ran /srv/data/old
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund --legacy-peer-deps \
  langchain@1.5.14 @langchain/openai@1.5.8 @langchain/core@1.4.0 @langchain/langgraph@1.7.3 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { ChatOpenAI } from '@langchain/openai';
import { createAgent, tool } from 'langchain';
import * as z from 'zod';

const CUT = '{"path": "/srv/data/old';
const call = { id: 'remove:0', type: 'function', function: { name: 'remove', arguments: CUT } };
const answers = [
  [{ role: 'assistant', content: '', tool_calls: [call] }, 'length'],
  [{ role: 'assistant', content: 'Done.' }, 'stop'],
];
let asked = 0;
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const [message, finish_reason] = answers[Math.min(asked++, 1)];
  const frame = { id: 'c', created: 1, model: 'm' };
  if (!JSON.parse(body).stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    response.end(JSON.stringify({ ...frame, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta, last = null) => {
    const choices = [{ index: 0, delta, finish_reason: last }];
    response.write(`data: ${JSON.stringify({ ...frame, object: 'chat.completion.chunk', choices })}\n\n`);
  };
  send({ role: 'assistant', content: message.content });
  for (const each of message.tool_calls ?? []) send({ tool_calls: [{ index: 0, ...each }] });
  send({}, finish_reason);
  response.end('data: [DONE]\n\n');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const configuration = { baseURL: `http://127.0.0.1:${server.address().port}/v1` };

async function run(how) {
  asked = 0;
  const ran = [];
  const remove = tool(({ path }) => String(ran.push(path)), {
    name: 'remove',
    description: 'Removes a folder.',
    schema: z.object({ path: z.string() }),
  });
  const model = new ChatOpenAI({ model: 'm', apiKey: 'none', maxRetries: 0, configuration });
  const agent = createAgent({ model, tools: [remove] });
  const input = { messages: [{ role: 'user', content: 'Clean up.' }] };
  if (how === 'invoke') await agent.invoke(input);
  else for await (const _ of await agent.stream(input, { streamMode: how })) continue;
  console.log(`${how}: ran ${ran.join() || 'nothing'}`);
  return ran;
}
assert.deepEqual(await run('invoke'), []);
assert.deepEqual(await run('updates'), []);
assert.deepEqual(await run('messages'), ['/srv/data/old']);
server.closeAllConnections();
server.close();
JS
node check.mjs 2> warnings.txt || { cat warnings.txt; exit 1; }
