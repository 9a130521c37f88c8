/**
 * An upstream that costs next to nothing: the same chat answer to everything, whole or streamed. `X-Delay-Ms` says after how long,
 * and `X-Stream-Seconds` for how long it streams, an event each quarter of a second. Its answer says how long it took.
 */
import { createServer } from 'node:http';

const text = 'The agent has read the report and lists what is left to do.';
const usage = { prompt_tokens: 40, completion_tokens: 12, total_tokens: 52 };
const common = { id: 'chatcmpl-1', created: 1, model: 'kimi-k3' };
const whole = JSON.stringify({
  ...common,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage,
});
const chunk = (choice) =>
  `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices: [choice] })}\n\n`;
const events = [
  ...text.split(' ').map((word) => chunk({ index: 0, delta: { content: `${word} ` }, finish_reason: null })),
  chunk({ index: 0, delta: {}, finish_reason: 'stop', usage }),
  'data: [DONE]\n\n',
].join('');

const EVENT_MS = 250;
const WORD_MS = 20;
const secondAt = events.indexOf('data: ', 1);
const [first, rest] = [events.slice(0, secondAt), events.slice(secondAt)];
const word = chunk({ index: 0, delta: { content: 'word ' }, finish_reason: null });
const end = events.slice(events.lastIndexOf('data: {'));

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const isStreamed = parts.some((part) => part.includes('"stream":true'));
    const seconds = Number(request.headers['x-stream-seconds'] ?? 0);
    const begun = performance.now();
    const delay = Number(request.headers['x-delay-ms'] ?? 0);
    const answer = () => {
      const type = isStreamed ? 'text/event-stream' : 'application/json';
      response.writeHead(200, { 'Content-Type': type, 'X-Took-Ms': performance.now() - begun });
      if (seconds > 0) streamOn(response, seconds);
      else if (isStreamed && delay > 0) {
        // As a model speaks: a word, and the next ones later.
        response.write(first);
        setTimeout(() => response.end(rest), WORD_MS);
      } else response.end(isStreamed ? events : whole);
    };
    if (delay > 0) setTimeout(answer, delay);
    else answer();
  });
});

function streamOn(response, seconds) {
  let left = (seconds * 1_000) / EVENT_MS;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) response.write(word);
    else response.end(end);
    if (left <= 0) clearInterval(timer);
  }, EVENT_MS);
  response.on('close', () => clearInterval(timer));
}

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
