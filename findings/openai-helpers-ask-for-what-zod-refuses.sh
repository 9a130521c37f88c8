#!/usr/bin/env bash
# openai 7.59.0, @openai/agents 0.20.0, ai 6.0.326, @langchain/core 1.4.0, zod 4.6.7, seen 2026-12-01.
# A field is z.stringbool(): it takes "yes" and gives true. zodResponseFormat and the tools of the Agents SDK write the
# schema of what the field gives, a boolean, and then check the answer against what it takes, a string. Under strict
# output the server lets no other answer through than the one that the client refuses. ai and LangChain write the schema
# of what it takes. The same holds for z.codec() and for `.transform(…).pipe(…)` (seen apart); a bare `.transform(…)` is
# refused by openai when the schema is made.
# Follows: "the model does not keep to the schema" is said of a model that does, in every answer. Let schemas for models
# take what they give, and convert behind the parse.
# Output seen:
#   openai     asks for boolean, answered true: ZodError expected string, received boolean
#   agents     asks for boolean, answered true: tool not run
#   ai         asks for string, answered "yes": true
#   langchain  asks for string, answered "yes": true
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  openai@7.59.0 @openai/agents@0.20.0 ai@6.0.326 @langchain/core@1.4.0 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { tool as langchainTool } from '@langchain/core/tools';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import { RunContext, tool as agentsTool } from '@openai/agents';
import { asSchema, zodSchema } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const schema = z.object({ urgent: z.stringbool() });
const named = { name: 'sort', description: 'Sorts a mail.' };

/** What a server with strict output lets a model say. */
const obey = ({ properties: { urgent } }) => ({ urgent: urgent.type === 'boolean' ? true : 'yes' });
let asked;
const fetch = async (_url, { body }) => {
  asked = JSON.parse(body).response_format.json_schema.schema;
  const message = { role: 'assistant', content: JSON.stringify(obey(asked)) };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return Response.json({ id: 'c', object: 'chat.completion', created: 1, model: 'kimi-k3', choices });
};
const ways = {
  openai: async () => {
    const client = new OpenAI({ apiKey: 'none', baseURL: 'http://llm.test/v1', maxRetries: 0, fetch });
    const response_format = zodResponseFormat(schema, 'mail');
    const messages = [{ role: 'user', content: 'x' }];
    const result = await client.chat.completions.parse({ model: 'kimi-k3', messages, response_format }).then(
      ({ choices }) => choices[0].message.parsed.urgent,
      (error) => `${error.name} ${error.issues[0].message.replace('Invalid input: ', '')}`,
    );
    return [asked, result];
  },
  agents: async () => {
    let result = 'tool not run';
    const execute = async ({ urgent }) => {
      result = urgent;
    };
    const { parameters, invoke } = agentsTool({ ...named, parameters: schema, execute });
    await invoke(new RunContext(), JSON.stringify(obey(parameters))).catch(() => {});
    return [parameters, result];
  },
  ai: async () => {
    const { jsonSchema, validate } = asSchema(zodSchema(schema));
    const parameters = await jsonSchema;
    return [parameters, (await validate(obey(parameters))).value?.urgent];
  },
  langchain: async () => {
    const one = langchainTool(async ({ urgent }) => urgent, { ...named, schema });
    const { parameters } = convertToOpenAITool(one).function;
    return [parameters, await one.invoke(obey(parameters))];
  },
};
const lines = [];
for (const [name, way] of Object.entries(ways)) {
  const [parameters, result] = await way();
  const said = JSON.stringify(obey(parameters).urgent);
  lines.push(`${name.padEnd(9)}  asks for ${parameters.properties.urgent.type}, answered ${said}: ${result}`);
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'openai     asks for boolean, answered true: ZodError expected string, received boolean',
  'agents     asks for boolean, answered true: tool not run',
  'ai         asks for string, answered "yes": true',
  'langchain  asks for string, answered "yes": true',
]);
JS
node check.mjs
