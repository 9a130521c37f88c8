import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { createEmulator } from 'kimi-emulator';
import { KimiClient } from 'kimi-emulator/client';
import { handlers } from 'kimi-emulator/msw';
import { test as kimiTest } from 'kimi-emulator/vitest';
import { setupServer } from 'msw/node';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';

const MODEL = 'kimi-k2-0905-preview';
const BIN = fileURLToPath(new URL('node_modules/.bin/kimi-emulator', import.meta.url));
const greeting = [{ role: 'user', content: 'Reply with only: hello' }];

describe(`kimi-emulator on Node ${process.version}`, () => {
  let emulator;
  beforeAll(() => {
    emulator = createEmulator();
  });
  afterAll(() => emulator.close());

  it('answers the openai SDK in process, streamed and in a session', async () => {
    const client = new OpenAI({ baseURL: emulator.baseURL, apiKey: 'any', fetch: emulator.fetch });
    const answer = await client.chat.completions.create({ model: MODEL, messages: greeting });
    expect(answer.choices[0].message.content).toBe('hello');
    const session = await client.post('/sessions', {
      body: { messages: [{ role: 'user', content: 'The code is 7.' }] },
    });
    const question = [{ role: 'user', content: 'What is the code?' }];
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: question,
      stream: true,
      session_id: session.id,
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('7');
  });

  it('keeps sessions for the client of this package', async () => {
    const client = new KimiClient({ baseURL: emulator.baseURL, apiKey: 'any', fetch: emulator.fetch });
    const { id } = await client.sessions.create({ messages: greeting });
    expect((await client.sessions.retrieve(id)).usage.messages).toBe(1);
  });

  it('answers the AI SDK over HTTP: text, a stream and a tool', async () => {
    const { url, close } = await emulator.listen();
    try {
      const moonshot = createMoonshotAI({ baseURL: `${url}/v1`, apiKey: 'any' });
      const prompt = 'Reply with only: hello';
      expect((await generateText({ model: moonshot(MODEL), prompt })).text).toBe('hello');
      expect(await streamText({ model: moonshot(MODEL), prompt }).text).toBe('hello');
      const weather = tool({
        description: 'The weather of a city',
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => `It rains in ${city}.`,
      });
      const { steps } = await generateText({
        model: moonshot(MODEL),
        prompt: 'Call weather with city "Oslo".',
        tools: { weather },
        stopWhen: stepCountIs(2),
      });
      expect(steps[0].toolResults[0].output).toBe('It rains in Oslo.');
    } finally {
      await close();
    }
  });

  it('takes over a live URL through msw', async () => {
    const server = setupServer(...handlers(emulator));
    server.listen({ onUnhandledRequest: 'error' });
    try {
      const client = new OpenAI({ baseURL: 'https://api.moonshot.ai/v1', apiKey: 'any' });
      const stream = await client.chat.completions.create({ model: MODEL, messages: greeting, stream: true });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      expect(text).toBe('hello');
    } finally {
      server.close();
    }
  });

  it.each(['https://api.kimi.com/coding/v1', 'https://api.kimi.ai/v1', 'https://platform.moonshot.cn/v1'])(
    'lets no request to %s out through msw',
    async (baseURL) => {
      const server = setupServer(...handlers(emulator));
      server.listen({ onUnhandledRequest: 'bypass' });
      const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      try {
        const client = new OpenAI({ baseURL, apiKey: 'sk-live', maxRetries: 0 });
        await expect(client.models.list()).rejects.toThrow();
        expect(said.mock.calls).toEqual([[expect.stringContaining(`GET ${baseURL}/models goes to the live API`)]]);
      } finally {
        said.mockRestore();
        server.close();
      }
    },
  );

  it('is loaded by require()', async () => {
    const program = "console.log(typeof require('kimi-emulator').createEmulator().fetch)";
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=commonjs', '-e', program]);
    expect(stdout).toBe('function\n');
  });

  it('conforms, judged by the installed command', async () => {
    const { stdout } = await promisify(execFile)(BIN, ['conformance', '--case', 'append'], { encoding: 'utf8' }).catch(
      (error) => error,
    );
    expect(stdout).toMatch(/conformant/);
  });

  it('serves over HTTP from the command line, and keeps its state in a file', async () => {
    const server = spawn(BIN, ['--port', '0', '--db', 'smoke.db'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      for await (const line of createInterface(server.stdout)) {
        const url = /http:\/\/[\d.]+:\d+\/v1/.exec(line)?.[0];
        if (!url) continue;
        const client = new OpenAI({ baseURL: url, apiKey: 'any' });
        expect((await client.models.list()).data.length).toBeGreaterThan(0);
        break;
      }
    } finally {
      server.kill();
    }
  });
});

kimiTest('gives a test of vitest its emulator and client', async ({ client, emulator }) => {
  const { id } = await client.sessions.create({});
  expect(emulator.journal.entries().length).toBeGreaterThan(0);
  expect(id).toMatch(/^sess_/);
});
