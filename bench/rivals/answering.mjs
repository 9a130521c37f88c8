/** An upstream that costs next to nothing: the same chat answer to everything, whole or streamed. */
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

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    const isStreamed = body.includes('"stream":true');
    response.writeHead(200, { 'Content-Type': isStreamed ? 'text/event-stream' : 'application/json' });
    response.end(isStreamed ? events : whole);
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
