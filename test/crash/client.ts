import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Session, SessionMessage } from '../../contract/sessions.ts';
import { structuralFault } from '../laws/structure.ts';

const MANY = 100;

/** Every answer's version and size of the session after it. */
interface SessionState {
  version: number;
  total: number;
}

interface Operation {
  path: string;
  body: Record<string, unknown>;
  key: string;
}

/** One client with a session of its own, which knows what has been acknowledged and what has not. */
export class Client {
  readonly #key = `sk-${randomUUID()}`;
  readonly #snapshots = new Set<string>();
  readonly #marks: string[] = [];
  readonly #cuts: boolean;
  #baseUrl = '';
  #id = '';
  #state: SessionState = { version: 1, total: 0 };
  #unanswered: Operation | undefined;
  #serial = 0;

  /** @param cuts whether it also truncates and compresses; one that does not can say what its window holds to the letter */
  constructor(cuts: boolean) {
    this.#cuts = cuts;
  }

  async connect(baseUrl: string): Promise<void> {
    this.#baseUrl = baseUrl;
    if (this.#id !== '') return;
    const { body } = await this.#post<Session>({ path: '/sessions', body: {}, key: randomUUID() });
    this.#id = body.id;
  }

  /** Works until the server is gone, calling `acknowledged` after each answer. */
  async work(acknowledged: () => void): Promise<void> {
    for (;;) {
      const operation = this.#nextOperation();
      this.#unanswered = operation;
      try {
        await this.#send(operation);
      } catch (error) {
        if (error instanceof TypeError) return;
        throw error;
      }
      this.#unanswered = undefined;
      acknowledged();
    }
  }

  /** After a restart: what was acknowledged is there, what was not is there whole or not at all, and a retry writes once. */
  async verify(): Promise<void> {
    const found = await this.#currentState();
    const steps = found.version - this.#state.version;
    if (steps === 0) expect(found).toEqual(this.#state);
    expect(steps).toBeLessThanOrEqual(this.#unanswered ? 1 : 0);
    await this.#expectSoundWindow(found.total);

    const operation = this.#unanswered;
    this.#unanswered = undefined;
    if (operation) {
      const { version } = this.#state;
      const answer = await this.#send(operation);
      const { body, replayed, status } = await this.#post(operation);
      expect(body).toEqual(answer);
      // A refusal does not use up the key.
      expect(replayed).toBe(status !== 400);
      expect(this.#state.version - version).toBeLessThanOrEqual(1);
      await this.#expectSoundWindow(this.#state.total);
    }
    expect(await this.#currentState()).toEqual(this.#state);
    const { data } = await this.#get<{ data: { id: string }[] }>(`/sessions/${this.#id}/snapshots?limit=100`);
    expect(new Set(data.map((snapshot) => snapshot.id))).toEqual(this.#snapshots);
  }

  /** Sends an operation, takes over what its answer says, and gives the answer. */
  async #send(operation: Operation): Promise<Answer> {
    const { body, status } = await this.#post<Answer>(operation);
    if (status !== 400) this.#record(body, operation);
    return body;
  }

  #record({ session, version, usage, after, snapshot_id, object, id }: Answer, { body }: Operation): void {
    if (object === 'session.snapshot') {
      this.#snapshots.add(id);
      return;
    }
    if (snapshot_id) this.#snapshots.add(snapshot_id);
    const state = session ?? { version, usage: usage ?? after };
    this.#state = { version: state.version, total: state.usage?.total_tokens ?? -1 };
    if (typeof body.mark === 'string') this.#marks.push(body.mark);
  }

  #nextOperation(): Operation {
    this.#serial += 1;
    const mark = `mark-${this.#serial}`;
    const path = `/sessions/${this.#id}`;
    const kinds: Omit<Operation, 'key'>[] = [
      { path: `${path}/messages`, body: { mark, messages: [{ role: 'user', content: `${mark} the tide is high` }] } },
      { path: `${path}/messages`, body: { mark, messages: callAndResult(mark) } },
      {
        path: '/chat/completions',
        body: {
          mark,
          model: 'kimi-k2-0905-preview',
          session_id: this.#id,
          max_tokens: 20,
          messages: [{ role: 'user', content: `${mark} how is the tide?` }],
        },
      },
      { path: `${path}/snapshots`, body: this.#serial % 2 ? {} : { preserve_len: 200 } },
    ];
    const large = { path: `${path}/messages`, body: { mark, messages: manyMessages(mark) } };
    const cuts = [
      { path: `${path}/truncate`, body: { preserve_len: 150 } },
      { path: `${path}/compress`, body: { ratio: 2 } },
    ];
    const choices = [large, ...(this.#cuts ? [...kinds, ...cuts] : kinds), large];
    const chosen = choices[this.#serial % choices.length] ?? kinds[0];
    if (!chosen) throw new Error('nothing to do');
    return { ...chosen, key: randomUUID() };
  }

  async #expectSoundWindow(total: number): Promise<void> {
    const messages: SessionMessage[] = [];
    for (let after = ''; ; ) {
      const path = `/sessions/${this.#id}/messages?limit=100${after}`;
      const page = await this.#get<{ data: SessionMessage[]; has_more: boolean; last_id: string }>(path);
      messages.push(...page.data);
      if (!page.has_more) break;
      after = `&after=${page.last_id}`;
    }
    expect(messages.reduce((sum, message) => sum + message.tokens, 0)).toBe(total);
    expect(structuralFault(messages)).toBeUndefined();
    const marks = messages.flatMap(({ role, content }) => (role === 'user' ? [String(content).split(' ')[0]] : []));
    expect(new Set(marks).size).toBe(marks.length);
    if (!this.#cuts) expect(marks.slice(0, this.#marks.length)).toEqual(this.#marks);
  }

  async #currentState(): Promise<SessionState> {
    const { version, usage } = await this.#get<Session>(`/sessions/${this.#id}`);
    return { version, total: usage.total_tokens };
  }

  async #get<Body>(path: string): Promise<Body> {
    const response = await fetch(this.#baseUrl + path, { headers: { Authorization: `Bearer ${this.#key}` } });
    expect(response.status).toBe(200);
    return (await response.json()) as Body;
  }

  async #post<Body>({ path, body, key }: Operation) {
    const response = await fetch(this.#baseUrl + path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.#key}`, 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const refused = response.status === 400 && text.includes('compress_infeasible');
    if (!response.ok && !refused) throw new Error(`${response.status} ${text}`);
    const replayed = response.headers.get('idempotent-replayed') === 'true';
    return { body: JSON.parse(text) as Body, status: response.status, replayed };
  }
}

interface Answer {
  object?: string;
  id: string;
  version: number;
  session?: { version: number; usage: { total_tokens: number } };
  usage?: { total_tokens: number };
  after?: { total_tokens: number };
  snapshot_id?: string | null;
}

/** A write that takes a while, so that a kill can fall into its middle. */
function manyMessages(mark: string) {
  const filler = Array.from({ length: MANY }, (_, place) => ({ role: 'assistant', content: `wave ${place}` }));
  return [{ role: 'user', content: `${mark} count the waves` }, ...filler];
}

/** A user's message, a call and its result: stored whole or not at all. */
function callAndResult(mark: string) {
  const call = { id: `call-${mark}`, type: 'function', function: { name: 'look', arguments: '{}' } };
  return [
    { role: 'user', content: `${mark} look at the tide` },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: call.id, content: 'It is high, and the ships are in.' },
  ];
}
