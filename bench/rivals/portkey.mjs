/** Portkey's AI gateway, from the folder that is the first argument, on a port of its own. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
probe.close();
await once(probe, 'close');
const print = console.log;
// What it prints is for a person.
console.clear = () => undefined;
console.log = () => undefined;
process.stdout.write = (
  (write) =>
  (text, ...rest) =>
    /^\{/.test(text) && write(text, ...rest)
)(process.stdout.write.bind(process.stdout));
process.argv.push(`--port=${port}`, '--headless');
await import(
  pathToFileURL(join(process.argv[2], 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js')).href
);
for (let isUp = false; !isUp; ) {
  const socket = connect(port, '127.0.0.1');
  isUp = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').catch(() => false)]);
  socket.destroy();
}
console.log = print;
print(JSON.stringify({ port }));
