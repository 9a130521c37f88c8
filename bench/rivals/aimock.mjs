// aimock answering with the text that the emulator is asked to answer with, in chunks of the same size.
import { LLMock } from '@copilotkit/aimock';

const [content, chunkSize] = [process.argv[2], Number(process.argv[3])];
const mock = new LLMock({ port: 0, chunkSize, latency: 0 });
mock.onMessage(/.*/, { content });
await mock.start();
console.log(JSON.stringify({ port: Number(new URL(mock.url).port) }));
