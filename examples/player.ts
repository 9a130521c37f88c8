import type OpenAI from 'openai';
import type { ChatCompletionChunk } from '../contract/chat.ts';
import type { List } from '../contract/lists.ts';
import type { InputMessage } from '../contract/messages.ts';
import type { Session, SessionAppend, SessionMessage } from '../contract/sessions.ts';
import type { Snapshot } from '../contract/snapshots.ts';
import { chatRound } from './chat-round.ts';
import { count, type Progress } from './screen.ts';

const INSTRUCTIONS = 'You take part in a long conversation. Answer from what stands in it.';

/** Plays a conversation through the loop, and keeps its accounts from what the API answers. */
export class Player {
  readonly #client: OpenAI;
  readonly #session: string;
  readonly #trigger: number;
  readonly #progress: Progress;
  readonly snapshots: Snapshot[] = [];
  #window: number;
  rounds = 0;
  /** Tokens of all messages that this client has sent, each once. */
  sentTokens: number;
  /** Tokens that a client without a session would have sent: with every turn, all that the model was to read. */
  statelessTokens = 0;

  static async start(client: OpenAI, trigger: number, progress: Progress): Promise<Player> {
    const body = { model: 'kimi-k3', title: 'rolling snapshot', messages: [{ role: 'system', content: INSTRUCTIONS }] };
    const session = await client.post<Session>('/sessions', { body });
    progress.say(`session   ${session.session_id}, cut above ${count(trigger)} tokens`);
    return new Player(client, session, trigger, progress);
  }

  constructor(client: OpenAI, { session_id, usage }: Session, trigger: number, progress: Progress) {
    this.#client = client;
    this.#session = session_id;
    this.#trigger = trigger;
    this.#progress = progress;
    this.#window = usage.total_tokens;
    this.sentTokens = usage.total_tokens;
  }

  async append(message: InputMessage): Promise<void> {
    const path = `/sessions/${this.#session}/messages`;
    const { tokens, usage } = await this.#client.post<SessionAppend>(path, { body: message });
    this.sentTokens += tokens;
    this.#window = usage.total_tokens;
  }

  async ask(text: string): Promise<void> {
    const cuts = this.snapshots.length;
    for await (const chunk of chatRound(this.#client, this.#session, text, this.#trigger, this.snapshots)) {
      this.#account(chunk as ChatCompletionChunk);
    }
    this.rounds += 1;
    this.sentTokens += await this.#questionTokens();
    this.#progress.show(this.#window, this.rounds);
    const snapshot = this.snapshots[cuts];
    if (snapshot) await this.#tellCut(snapshot);
  }

  /** Goes back to the last snapshot, as after a failure. */
  async rollBack(): Promise<void> {
    const snapshot = this.snapshots.at(-1);
    if (!snapshot) return;
    const before = this.#window;
    const body = { snapshot_id: snapshot.snapshot_id };
    const { usage } = await this.#client.post<Session>(`/sessions/${this.#session}/rollback`, { body });
    this.#window = usage.total_tokens;
    this.#progress.say(`rollback  ${snapshot.snapshot_id}: ${count(before)} -> ${count(usage.total_tokens)} tokens`);
  }

  /** Usage stands inside the choice of the finish chunk, and the session's beside it. */
  #account({ choices: [choice], session }: ChatCompletionChunk): void {
    if (!choice?.usage || !session) return;
    this.statelessTokens += choice.usage.prompt_tokens;
    this.#window = session.usage.total_tokens;
  }

  /** What the newest question takes in the window. */
  async #questionTokens(): Promise<number> {
    const path = `/sessions/${this.#session}/messages?order=desc&limit=2`;
    const { data } = await this.#client.get<List<SessionMessage>>(path);
    return data.find(({ role }) => role === 'user')?.tokens ?? 0;
  }

  async #tellCut({ snapshot_id, archived, usage: restored }: Snapshot): Promise<void> {
    const { usage } = await this.#client.get<Session>(`/sessions/${this.#session}`);
    const messages = archived.messages - usage.messages;
    this.#window = usage.total_tokens;
    this.#progress.say(
      `snapshot  ${snapshot_id} holds ${count(archived.total_tokens)} tokens, restores ${count(restored.total_tokens)}`,
    );
    this.#progress.say(
      `cut       ${count(archived.total_tokens)} -> ${count(usage.total_tokens)} tokens, ${count(messages)} messages fewer`,
    );
  }
}
