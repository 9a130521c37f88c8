#!/usr/bin/env bash
# best-effort-json-parser 1.5.1, partial-json 0.1.7, jsonrepair 3.15.0, @langchain/core 1.4.0, ai 6.0.326 with zod 4.6.7,
# seen 2026-12-01.
# The arguments of a tool call arrive in pieces and are read before they are whole. Five readers, three places to stand:
# behind a number with an exponent, best-effort-json-parser takes 1e-7 for 1, and makes the rest of the number and the next
# key into one key that nobody sent; inside an escape, LangChain shows its letters as text; inside `false`, jsonrepair
# makes a string of what is there, which is true where it is asked. partial-json and ai are right in all three.
# Follows: a preview that acts on partial arguments (a price, a dry run) acts on values that the model never wrote, and
# the whole text, parsed in the end, shows no trace of it. Take ai's parsePartialJson or partial-json, and act on whole
# values only.
# Output seen:
#   {"rate":1e-7,"unit":"US
#     best-effort   {"rate":1,"e-7,\"unit\"":"US"}
#     langchain     {"rate":1e-7,"unit":"US"}
#     jsonrepair    {"rate":1e-7,"unit":"US"}
#     partial-json  {"rate":1e-7,"unit":"US"}
#     ai            {"rate":1e-7,"unit":"US"}
#   {"city":"Gen\u00e
#     best-effort   SyntaxError
#     langchain     {"city":"Genu00e"}
#     jsonrepair    {"city":"Gen"}
#     partial-json  {"city":"Gen"}
#     ai            {"city":"Gen"}
#   {"dry":f
#     best-effort   {"dry":false}
#     langchain     {"dry":false}
#     jsonrepair    {"dry":"f"}
#     partial-json  {"dry":false}
#     ai            {"dry":false}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  best-effort-json-parser@1.5.1 partial-json@0.1.7 jsonrepair@3.15.0 @langchain/core@1.4.0 ai@6.0.326 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { parsePartialJson as langchain } from '@langchain/core/output_parsers';
import { parsePartialJson } from 'ai';
import { disableErrorLogging, parse as bestEffort } from 'best-effort-json-parser';
import { jsonrepair } from 'jsonrepair';
import { parse as partialJson } from 'partial-json';

disableErrorLogging();
const readers = {
  'best-effort ': bestEffort,
  'langchain   ': langchain,
  'jsonrepair  ': (text) => JSON.parse(jsonrepair(text)),
  'partial-json': partialJson,
  'ai          ': async (text) => (await parsePartialJson(text)).value,
};
const lines = [];
for (const text of ['{"rate":1e-7,"unit":"US', '{"city":"Gen\\u00e', '{"dry":f']) {
  lines.push(text);
  for (const [name, read] of Object.entries(readers)) {
    let value;
    try {
      value = JSON.stringify(await read(text));
    } catch (error) {
      value = error.name;
    }
    lines.push(`  ${name}  ${value}`);
  }
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  '{"rate":1e-7,"unit":"US',
  '  best-effort   {"rate":1,"e-7,\\"unit\\"":"US"}',
  '  langchain     {"rate":1e-7,"unit":"US"}',
  '  jsonrepair    {"rate":1e-7,"unit":"US"}',
  '  partial-json  {"rate":1e-7,"unit":"US"}',
  '  ai            {"rate":1e-7,"unit":"US"}',
  '{"city":"Gen\\u00e',
  '  best-effort   SyntaxError',
  '  langchain     {"city":"Genu00e"}',
  '  jsonrepair    {"city":"Gen"}',
  '  partial-json  {"city":"Gen"}',
  '  ai            {"city":"Gen"}',
  '{"dry":f',
  '  best-effort   {"dry":false}',
  '  langchain     {"dry":false}',
  '  jsonrepair    {"dry":"f"}',
  '  partial-json  {"dry":false}',
  '  ai            {"dry":false}',
]);
JS
node check.mjs
