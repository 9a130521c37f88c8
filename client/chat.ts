import type OpenAI from 'openai';
import type { APIPromise } from 'openai';
import type { Stream } from 'openai/core/streaming';
import { Chat } from 'openai/resources/chat/chat';
import { Completions } from 'openai/resources/chat/completions/completions';
import type { CompletionUsage } from '../contract/chat.ts';
import type { InputMessage } from '../contract/messages.ts';
import type { SessionState } from '../contract/sessions.ts';

type Base = OpenAI.Chat.ChatCompletionCreateParams;

interface SessionParams {
  /** Answer in this session: `messages` are the new ones only, and may be empty where its window is not. */
  session_id?: string | null;
  messages: (OpenAI.Chat.ChatCompletionMessageParam | InputMessage)[];
}

/** The SDK's parameters, with `session_id`. */
export type ChatParams = Omit<Base, 'messages' | 'stream'> & SessionParams;
export type ChatParamsNonStreaming = ChatParams & { stream?: false | null };
export type ChatParamsStreaming = ChatParams & { stream: true };

/** The SDK's answer. In a session it says where the session stands now. */
export type ChatCompletion = OpenAI.Chat.ChatCompletion & { session?: SessionState };

type BaseChunk = OpenAI.Chat.ChatCompletionChunk;
type BaseChoice = OpenAI.Chat.ChatCompletionChunk.Choice;

/** The SDK's chunk. On the finish chunk stand the usage, and in a session where it stands now: the turn is stored. */
export type ChatCompletionChunk = Omit<BaseChunk, 'choices'> & {
  choices: (BaseChoice & { usage?: CompletionUsage })[];
  session?: SessionState;
};

/** An answer that was asked for in a session. */
type Within<Params, Answer> = Params extends { session_id: string } ? Answer & { session: SessionState } : Answer;

export class KimiCompletions extends Completions {
  /** Create an answer, in a session where `session_id` names one. */
  override create<Params extends ChatParamsNonStreaming>(
    body: Params,
    options?: OpenAI.RequestOptions,
  ): APIPromise<Within<Params, ChatCompletion>>;
  override create(body: ChatParamsStreaming, options?: OpenAI.RequestOptions): APIPromise<Stream<ChatCompletionChunk>>;
  override create(
    body: ChatParams & { stream?: boolean | null },
    options?: OpenAI.RequestOptions,
  ): APIPromise<Stream<ChatCompletionChunk> | ChatCompletion>;
  override create(
    body: ChatParams & { stream?: boolean | null },
    options?: OpenAI.RequestOptions,
  ): APIPromise<ChatCompletion> | APIPromise<Stream<ChatCompletionChunk>> {
    const params = body as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;
    return super.create(params, options) as APIPromise<ChatCompletion>;
  }
}

export class KimiChat extends Chat {
  override completions: KimiCompletions = new KimiCompletions(this._client);
}
