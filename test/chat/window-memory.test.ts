import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { ChatMessage, InputMessage } from '../../contract/messages.ts';
import type { Session } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import type { Model, ModelRequest } from '../../emulator/index.ts';
import { startPair } from '../gateway/gateway.ts';
import { type Api, startEmulator } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { called, createSession, everyItem, O200K, result, SessionUnderTest, sized } from '../support/session.ts';

const LIMITS = { window_tokens: 3_000, min_preserve_tokens: 16, append_tokens: 1_000, sessions: 50, snapshots: 50 };

type Step =
  | { kind: 'append'; tokens: number; role: 'user' | 'system'; pinned: boolean }
  | { kind: 'call' | 'snapshot' | 'compress' | 'delete' | 'baseline' | 'reset' | 'reimport' | 'refused' }
  | { kind: 'turn'; fails: boolean }
  | { kind: 'truncate'; tokens: number }
  | { kind: 'rollback' | 'fork' | 'pin' | 'switch'; place: number };

const place = fc.record({
  kind: fc.constantFrom('rollback' as const, 'fork' as const, 'pin' as const, 'switch' as const),
  place: fc.nat(50),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn' as const), fails: fc.nat(9).map((n) => n === 0) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      tokens: fc.integer({ min: 6, max: 300 }),
      role: fc.constantFrom('user' as const, 'system' as const),
      pinned: fc.nat(4).map((n) => n === 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), tokens: fc.integer({ min: 16, max: 900 }) }),
  },
  { weight: 3, arbitrary: place },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('call' as const, 'snapshot' as const, 'compress' as const, 'delete' as const, 'refused' as const)
      .map((kind) => ({ kind })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('baseline' as const, 'reset' as const, 'reimport' as const).map((kind) => ({ kind })),
  },
);

/** What a message is to whoever answers. */
function shown(message: object): object {
  const { role, content, name, tool_calls, tool_call_id } = message as ChatMessage;
  return JSON.parse(JSON.stringify({ role, content, name, tool_calls, tool_call_id }));
}

/** What answered last was sent, and whether it is to fail. */
interface Answerer {
  api: Api;
  read(): object[];
  fail(fails: boolean): void;
}

/** A model that spoils whatever it is given: the next turn must not see that. */
async function withModel(): Promise<Answerer> {
  let fails = false;
  let read: object[] = [];
  const model: Model = {
    name: 'spoiler',
    async *complete({ messages, tools }: ModelRequest) {
      read = messages.map(shown);
      for (const message of messages) {
        message.content = 'spoilt';
        if (message.tool_calls) message.tool_calls.length = 0;
      }
      (messages as unknown[]).length = 0;
      (tools as unknown[]).length = 0;
      if (fails) throw new Error('the model failed, as the test wants it to');
      yield { type: 'text', text: 'Noted.' };
    },
  };
  const fail = (wanted: boolean): void => {
    fails = wanted;
  };
  const api = await startEmulator('in process', { tokenizer: O200K, limits: LIMITS, model });
  return { api, read: () => read, fail };
}

async function withUpstream(): Promise<Answerer> {
  const { api, upstream } = await startPair('in process', { limits: LIMITS });
  return {
    api,
    read: () => JSON.parse(upstream.journal.entries().at(-1)?.request ?? '{}').messages.map(shown),
    fail: (fails) => void (fails && upstream.faults.add({ effect: 'error', code: 'engine_overloaded', times: 1 })),
  };
}

/** Sessions and snapshots, each step by its number: what is not possible is refused, and changes nothing. */
class Walk {
  readonly #answerer: Answerer;
  #sessions: SessionUnderTest[] = [];
  #snapshots: string[] = [];
  #saved: [SessionUnderTest[], string[]] = [[], []];
  #current = 0;
  #count = 0;

  constructor(answerer: Answerer) {
    this.#answerer = answerer;
  }

  async follow(step: Step): Promise<void> {
    const { api } = this.#answerer;
    const session = await this.#session();
    this.#count += 1;
    switch (step.kind) {
      case 'append':
        await session.append({ ...this.#message(step.tokens, step.role), pinned: step.pinned });
        return;
      case 'call':
        await session.append({
          messages: [called(`c${this.#count}`), result(`c${this.#count}`, `done ${this.#count}`)],
        });
        return;
      case 'turn':
        return this.#turn(session, step.fails);
      case 'refused':
        await session.append(this.#message(40, 'user'), { 'If-Match': '"9999"' });
        await session.append({ messages: [sized(6), result('nobody called')] });
        return;
      case 'truncate':
        await session.truncate(step.tokens);
        return;
      case 'compress':
        await session.compress({ ratio: 2 });
        return;
      case 'snapshot': {
        const { body } = await session.snapshot({});
        if (body.id) this.#snapshots.push(body.id);
        return;
      }
      case 'rollback': {
        const snapshot = this.#snapshots[step.place % Math.max(1, this.#snapshots.length)];
        if (snapshot) await session.rollback(snapshot);
        return;
      }
      case 'fork': {
        const snapshot_id = this.#snapshots[step.place % Math.max(1, this.#snapshots.length)];
        const { body } = await api.post<Session>('/v1/sessions', { snapshot_id });
        if (body.id) this.#sessions.push(new SessionUnderTest(api, body.id, 'sk-test'));
        return;
      }
      case 'pin': {
        const messages = await session.messages();
        const message = messages[step.place % Math.max(1, messages.length)];
        if (message) await session.post(`/messages/${message.id}`, { pinned: !message.pinned });
        return;
      }
      case 'switch':
        this.#current = step.place;
        return;
      case 'delete':
        await api.delete(session.path);
        this.#sessions = this.#sessions.filter((one) => one !== session);
        return;
      case 'baseline':
        await api.emulator.state.saveBaseline();
        this.#saved = [[...this.#sessions], [...this.#snapshots]];
        return;
      case 'reset':
        await api.emulator.state.reset();
        [this.#sessions, this.#snapshots] = [[...this.#saved[0]], [...this.#saved[1]]];
        return;
      case 'reimport': {
        const file = await api.emulator.state.export();
        for (const { path } of this.#sessions) await api.delete(path);
        for (const { id } of await everyItem<Snapshot>(api, '/v1/snapshots')) await api.delete(`/v1/snapshots/${id}`);
        await api.emulator.state.import(file);
      }
    }
  }

  /** The turn's model reads what the window shows, and the new message behind it. */
  async #turn(session: SessionUnderTest, fails: boolean): Promise<void> {
    const before = (await session.messages()).map(shown);
    const asked = this.#message(20, 'user');
    this.#answerer.fail(fails);
    const { status } = await session.chat([asked], { max_tokens: 8 });
    if (status !== 200) return;
    expect(this.#answerer.read()).toEqual([...before, shown(asked)]);
  }

  async #session(): Promise<SessionUnderTest> {
    if (this.#sessions.length === 0) this.#sessions.push(await createSession(this.#answerer.api));
    const found = this.#sessions[this.#current % this.#sessions.length];
    if (!found) throw new Error('no session');
    return found;
  }

  #message(tokens: number, role: 'user' | 'system'): InputMessage {
    return { ...sized(tokens, role), name: `n${this.#count}` };
  }
}

describe.each([
  ['model', withModel],
  ['upstream', withUpstream],
] as const)('what the %s reads', (_, open) => {
  it('is what the window shows, after any sequence of operations, whatever was done to what it was given', async () => {
    const complained = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const answerer = await open();
        const walk = new Walk(answerer);
        for (const one of steps) await walk.follow(one);
        await answerer.api.emulator.close();
      }),
      { numRuns: runs(12) },
    );
    for (const [said] of complained.mock.calls) expect(said).toContain('unexpected error');
    complained.mockRestore();
  });
});
