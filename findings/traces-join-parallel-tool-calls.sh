#!/usr/bin/env bash
# langsmith 0.12.0, @langfuse/openai 5.11.1 with @opentelemetry/sdk-trace-node 2.12.1, and openai 6.49.0, seen 2026-12-01.
# A streamed answer calls two tools, each with its `index`, in OpenAI's own form. The program gets both calls. The trace
# has one: LangSmith joins the names and the arguments of the two, Langfuse keeps the last name and joins the arguments.
# `reasoning_content` is in neither. Not streamed, both traces have both calls.
# Follows: a call in a trace of a tool that nobody has, with arguments that are not JSON, was not made by the model or the
# server. Do not take fixtures from traces of streams; the next request repeats the calls as they were.
# Output seen:
#   program    read {"path":"a"} | stat {"of":"b"}
#   langsmith  readstat {"path":"a"}{"of":"b"}
#   langfuse   stat {"path":"a"}{"of":"b"}
#   whole      langsmith read {"path":"a"} | stat {"of":"b"}, langfuse read {"path":"a"} | stat {"of":"b"}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  langsmith@0.12.0 @langfuse/openai@5.11.1 @opentelemetry/sdk-trace-node@2.12.1 openai@6.49.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { observeOpenAI } from '@langfuse/openai';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { wrapOpenAI } from 'langsmith/wrappers';
import OpenAI from 'openai';

process.env.LANGSMITH_TRACING = 'true';
const calls = [['read', '{"path":"a"}'], ['stat', '{"of":"b"}']].map(([name, given], index) => ({
  index, id: `${name}_${index}`, type: 'function', function: { name, arguments: given },
}));
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const head = { id: 'chatcmpl-1', created: 1, model: 'kimi-k3' };
  if (!JSON.parse(body).stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const message = { role: 'assistant', content: '', tool_calls: calls };
    const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
    return response.end(JSON.stringify({ ...head, object: 'chat.completion', choices }));
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta, finish_reason = null) => {
    const choices = [{ index: 0, delta, finish_reason }];
    response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices })}\n\n`);
  };
  send({ role: 'assistant', content: '' });
  for (const { index, function: { name, arguments: given }, ...call } of calls) {
    send({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] });
    send({ tool_calls: [{ index, function: { arguments: given } }] });
  }
  send({}, 'tool_calls');
  response.end('data: [DONE]\n\n');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const outputs = [];
const runs = {
  createRun: async () => {},
  updateRun: async (_id, run) => outputs.push(run.outputs),
  awaitPendingTraceBatches: async () => {},
};
const spans = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).register();

const show = (list) => list.map((call) => `${call.function.name} ${call.function.arguments}`).join(' | ');
const ask = async (wrap, stream) => {
  const client = wrap(new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 }));
  const messages = [{ role: 'user', content: 'x' }];
  const answer = await client.chat.completions.create({ model: 'kimi-k3', messages, stream });
  const got = [];
  if (stream) {
    for await (const { choices } of answer) {
      for (const { index, function: { name, arguments: given } } of choices[0].delta.tool_calls ?? []) {
        got[index] ??= { function: { name, arguments: '' } };
        got[index].function.arguments += given;
      }
    }
  }
  return show(got);
};
const traced = async (stream) => {
  const program = await ask((client) => wrapOpenAI(client, { client: runs }), stream);
  await ask((client) => observeOpenAI(client), stream);
  // The traces are written behind the answer, within a few ticks.
  for (let tick = 0; tick < 1000 && !(outputs[0] && spans.getFinishedSpans()[0]); tick++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const smith = outputs.pop().choices[0].message.tool_calls;
  const [{ attributes }] = spans.getFinishedSpans();
  spans.reset();
  return { program, smith: show(smith), fuse: show(JSON.parse(attributes['langfuse.observation.output']).tool_calls) };
};
const streamed = await traced(true);
const whole = await traced(false);
server.closeAllConnections();
server.close();
const lines = [
  `program    ${streamed.program}`,
  `langsmith  ${streamed.smith}`,
  `langfuse   ${streamed.fuse}`,
  `whole      langsmith ${whole.smith}, langfuse ${whole.fuse}`,
];
console.log(lines.join('\n'));
const both = 'read {"path":"a"} | stat {"of":"b"}';
assert.deepEqual(lines, [
  `program    ${both}`,
  'langsmith  readstat {"path":"a"}{"of":"b"}',
  'langfuse   stat {"path":"a"}{"of":"b"}',
  `whole      langsmith ${both}, langfuse ${both}`,
]);
JS
node check.mjs
