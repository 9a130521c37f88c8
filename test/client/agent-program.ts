import { fileCheckpoint } from '../../client/file-checkpoint.ts';
import { type Fetch, KimiClient, RollingSession } from '../../client/index.ts';

const QUESTIONS = Array.from({ length: 3 }, (_, index) => `Question ${index}: ${'and so on, '.repeat(40)}`);
const DOCUMENT = `First part. ${'something else, '.repeat(40)}\n\nSecond part. ${'something else, '.repeat(20)}`;

/**
 * A program that reads a document and asks its questions, and begins where its checkpoint says.
 * @param pass called wherever a process can be killed: before and after each request, at each part of an answer, after each save
 */
export async function runAgent(baseURL: string, path: string, pass: () => void): Promise<RollingSession> {
  const fetchAndPass: Fetch = async (input, init) => {
    pass();
    const response = await fetch(input, init);
    pass();
    return response;
  };
  const client = new KimiClient({ baseURL, apiKey: 'sk-agent', fetch: fetchAndPass });
  const { load, save } = fileCheckpoint(path);
  const checkpoint = {
    load,
    save: async (state: Parameters<typeof save>[0]) => {
      await save(state);
      pass();
    },
  };
  const agent = await RollingSession.open(client, { maxKeep: 600, preserveLen: 200, maxTokens: 60, checkpoint });
  await agent.resume();
  await agent.append(DOCUMENT, { id: 'document' });
  for (const question of QUESTIONS.slice(agent.turns)) for await (const _ of agent.chat(question)) pass();
  return agent;
}
