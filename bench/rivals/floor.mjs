// The least that a chat can cost in Node: parses the body, and answers with the text that is its argument, in chunks of 16.
import { createServer } from 'node:http';

const text = process.argv[2];
const common = { id: 'chatcmpl-0123456789abcdef01234567', created: 1 };
const chunk = (model, delta) => {
  const choices = [{ index: 0, delta, finish_reason: null }];
  return `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', model, choices })}\n\n`;
};
const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const { model, stream } = JSON.parse(Buffer.concat(parts).toString());
    if (stream) {
      let events = '';
      for (let at = 0; at < text.length; at += 16) events += chunk(model, { content: text.slice(at, at + 16) });
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      return response.end(`${events}data: [DONE]\n\n`);
    }
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 110, completion_tokens: 100, total_tokens: 210 };
    const body = JSON.stringify({ ...common, object: 'chat.completion', model, choices, usage });
    response
      .writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
      .end(body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
