// npx tsx examples/quickstart.ts. In your project the imports are 'kimi-emulator/client' and 'kimi-emulator'.
import { KimiClient } from '../client/index.ts';
import { createEmulator } from '../emulator/index.ts';

await using emulator = createEmulator();
const client = new KimiClient({ fetch: emulator.fetch });
const { session_id } = await client.sessions.create({ messages: [{ role: 'user', content: 'The code is 7.' }] });
const messages = [{ role: 'user' as const, content: 'What is the code?' }];
const { choices, session } = await client.chat.completions.create({ model: 'kimi-k3', session_id, messages });
console.log(`${choices[0]?.message.content}, with ${session.usage.messages} messages in the session`);
