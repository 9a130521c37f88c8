#!/usr/bin/env bash
# @msw/source 0.6.1 with msw 2.15.0, seen 2026-12-01.
# Handlers made from a HAR file of chats. Every chat is a POST to one path, and only its body tells which: the handlers do
# not look at it, they give the recorded answers in their order, and the last one for ever. So two questions that a test
# asks the other way round get each other's answers, and a question that was never recorded gets one too. And an answer
# that came compressed, as a browser's do, cannot be read at all: HAR keeps its text decompressed and its headers as they
# were, and the handler sends both.
# Follows: a suite on such a recording is green by its order; run in parallel, or with a retry in between, it mixes up its
# conversations. Use a recording that is found by the body, and take content-encoding out of a HAR before you replay it.
# Output seen:
#   recorded: one, two
#   asked two: answer to one
#   asked one: answer to two
#   asked three: answer to two
#   with content-encoding gzip: incorrect header check
#   the same without that header: answer to one
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @msw/source@0.6.1 msw@2.15.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { fromTraffic } from '@msw/source/traffic';
import { setupServer } from 'msw/node';

const url = 'https://llm.test/v1/chat/completions';
const body = (content) => JSON.stringify({ model: 'kimi-k3', messages: [{ role: 'user', content }] });
const json = { name: 'content-type', value: 'application/json' };
const entry = (question, ...headers) => {
  const text = `answer to ${question}`;
  const both = { httpVersion: 'HTTP/1.1', cookies: [], headersSize: -1, bodySize: -1 };
  const postData = { mimeType: json.value, text: body(question) };
  return {
    startedDateTime: '2026-01-01T00:00:00.000Z',
    time: 1,
    request: { ...both, method: 'POST', url, headers: [json], queryString: [], postData },
    response: {
      ...both, status: 200, statusText: 'OK', headers: [json, ...headers], redirectURL: '',
      content: { size: text.length, mimeType: json.value, text },
    },
    cache: {},
    timings: { send: 0, wait: 1, receive: 0 },
  };
};
const replay = async (entries, questions) => {
  const har = { log: { version: '1.2', creator: { name: 'browser', version: '1' }, entries } };
  const server = setupServer(...fromTraffic(har));
  server.listen({ onUnhandledRequest: 'error' });
  const answers = [];
  for (const question of questions) {
    const asked = fetch(url, { method: 'POST', headers: { 'content-type': json.value }, body: body(question) });
    const failed = (error) => error.cause?.message ?? error.message;
    answers.push(await asked.then((response) => response.text()).catch(failed));
  }
  server.close();
  return answers;
};
const questions = ['two', 'one', 'three'];
const answers = await replay([entry('one'), entry('two')], questions);
const [compressed] = await replay([entry('one', { name: 'content-encoding', value: 'gzip' })], ['one']);
const [plain] = await replay([entry('one')], ['one']);
const lines = [
  'recorded: one, two',
  ...questions.map((question, place) => `asked ${question}: ${answers[place]}`),
  `with content-encoding gzip: ${compressed}`,
  `the same without that header: ${plain}`,
];
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'recorded: one, two',
  'asked two: answer to one',
  'asked one: answer to two',
  'asked three: answer to two',
  'with content-encoding gzip: incorrect header check',
  'the same without that header: answer to one',
]);
JS
node check.mjs
