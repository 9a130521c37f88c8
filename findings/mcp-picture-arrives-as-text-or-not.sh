#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 with @langchain/mcp-adapters 1.1.4, @langchain/openai 1.5.8 and @langchain/core 1.4.0;
# @ai-sdk/mcp 1.0.102 with ai 6.0.326, @ai-sdk/moonshotai 2.0.61 and zod 4.6.7; @openai/agents 0.20.0 with openai 6.49.0,
# seen 2026-12-01.
# One MCP tool answers, and three clients hand the result on to an OpenAI-compatible server. A text with a screenshot:
# LangChain sends both as parts, the Agents SDK drops the picture, and the AI SDK writes its base64 into a text, which the
# model pays for by the token and cannot see. A file as an embedded resource, the form of MCP for it: from LangChain comes
# an empty list. Two texts: the Agents SDK runs them together. `structuredContent` without a text reaches nobody. None of
# this is raised or warned of.
# Follows: look at the tool messages that leave the process before you blame the model. In a server of your own give each
# result one text that says all of it; give pictures as a path to a tool that reads them.
# Output seen:
#   screenshot  langchain text "pic" + image_url; agents "pic"; ai "[{"type":"text","text":"pic"},{"type":"image-data","data":BASE64,"mediaType":"image/png"}]"
#   resource    langchain nothing; agents "{"type":"resource","resource":{"uri":"file:///a","text":"inside"}}"; ai the same in a JSON text
#   two texts   langchain text "one" + text "two"; agents "onetwo"; ai "[{"type":"text","text":"one"},{"type":"text","text":"two"}]"
#   structured  langchain nothing; agents "[]"; ai "[]"
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @modelcontextprotocol/sdk@1.32.2 @langchain/mcp-adapters@1.1.4 @langchain/openai@1.5.8 @langchain/core@1.4.0 \
  @ai-sdk/mcp@1.0.102 ai@6.0.326 @ai-sdk/moonshotai@2.0.61 zod@4.6.7 @openai/agents@0.20.0 openai@6.49.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { createMCPClient } from '@ai-sdk/mcp';
import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { HumanMessage } from '@langchain/core/messages';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { ChatOpenAI } from '@langchain/openai';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Agent, MCPServerStreamableHttp, OpenAIChatCompletionsModel, run, setTracingDisabled } from '@openai/agents';
import { generateText, stepCountIs } from 'ai';
import OpenAI from 'openai';

setTracingDisabled(true);
// One red pixel.
const data =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const text = (said) => ({ type: 'text', text: said });
const results = {
  screenshot: { content: [text('pic'), { type: 'image', data, mimeType: 'image/png' }] },
  resource: { content: [{ type: 'resource', resource: { uri: 'file:///a', text: 'inside' } }] },
  'two texts': { content: [text('one'), text('two')] },
  structured: { content: [], structuredContent: { degrees: 21 } },
};
let result;
let sent;
const listen = async (handle) => {
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    await handle(request, response, body && JSON.parse(body));
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { server, address: `http://127.0.0.1:${server.address().port}` };
};
const tools = await listen(async (request, response, body) => {
  const server = new Server({ name: 'tools', version: '1.0.0' }, { capabilities: { tools: {} } });
  const inputSchema = { type: 'object', properties: {} };
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: [{ name: 'look', inputSchema }] }));
  server.setRequestHandler(CallToolRequestSchema, async () => result);
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  await transport.handleRequest(request, response, body || undefined);
});
const model = await listen(async (_request, response, { messages }) => {
  const results = messages.filter(({ role }) => role === 'tool');
  sent = results[0]?.content;
  const call = { index: 0, id: 'look_0', type: 'function', function: { name: 'look', arguments: '{}' } };
  const message = results.length > 0 ? { content: 'done' } : { content: '', tool_calls: [call] };
  const finish_reason = results.length > 0 ? 'stop' : 'tool_calls';
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }];
  const usage = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'kimi-k3', choices, usage }));
});
const url = `${tools.address}/mcp`;
const baseURL = `${model.address}/v1`;

const adapters = new MultiServerMCPClient({ mcpServers: { tools: { transport: 'http', url } } });
const [look] = await adapters.getTools();
const chat = new ChatOpenAI({ apiKey: 'none', model: 'kimi-k3', maxRetries: 0, configuration: { baseURL } });
const remote = new MCPServerStreamableHttp({ name: 'tools', url });
await remote.connect();
const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
const agent = new Agent({ name: 'a', model: new OpenAIChatCompletionsModel(client, 'kimi-k3'), mcpServers: [remote] });
const mcp = await createMCPClient({ transport: { type: 'http', url } });
const moonshot = createMoonshotAI({ apiKey: 'none', baseURL })('kimi-k3');
const sdkTools = await mcp.tools();
const clients = {
  langchain: async () => {
    const history = [new HumanMessage('Look.')];
    history.push(await chat.bindTools([look]).invoke(history));
    history.push(await look.invoke({ type: 'tool_call', ...history[1].tool_calls[0] }));
    await chat.invoke(history);
  },
  agents: () => run(agent, 'Look.'),
  ai: () => generateText({ model: moonshot, tools: sdkTools, prompt: 'Look.', stopWhen: stepCountIs(3) }),
};
const part = (one) => (one.type === 'text' ? `text "${one.text}"` : one.type);
const show = (content) =>
  typeof content === 'string' ? `"${content.replace(`"${data}"`, 'BASE64')}"` : content.map(part).join(' + ') || 'nothing';
const lines = [];
for (const title of Object.keys(results)) {
  result = results[title];
  const seen = [];
  for (const [name, ask] of Object.entries(clients)) {
    await ask();
    seen.push([name, show(sent)]);
  }
  const [, [, agents], ai] = seen;
  if (ai[1] === `"${JSON.stringify([text(agents.slice(1, -1))])}"`) ai[1] = 'the same in a JSON text';
  lines.push(`${title.padEnd(10)}  ${seen.map((each) => each.join(' ')).join('; ')}`);
}
await Promise.all([adapters.close(), remote.close(), mcp.close()]);
for (const { server } of [tools, model]) {
  server.closeAllConnections();
  server.close();
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'screenshot  langchain text "pic" + image_url; agents "pic"; ' +
    'ai "[{"type":"text","text":"pic"},{"type":"image-data","data":BASE64,"mediaType":"image/png"}]"',
  'resource    langchain nothing; agents "{"type":"resource","resource":{"uri":"file:///a","text":"inside"}}"; ' +
    'ai the same in a JSON text',
  'two texts   langchain text "one" + text "two"; agents "onetwo"; ' +
    'ai "[{"type":"text","text":"one"},{"type":"text","text":"two"}]"',
  'structured  langchain nothing; agents "[]"; ai "[]"',
]);
JS
node check.mjs
