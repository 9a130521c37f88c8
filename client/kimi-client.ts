import type { APIPromise } from 'openai';
import OpenAI, { type ClientOptions } from 'openai';
import type { Stream } from 'openai/core/streaming';
import { Chat } from 'openai/resources/chat/chat';
import { Completions } from 'openai/resources/chat/completions/completions';
import type { ChatRequest, CompletionUsage } from '../contract/chat.ts';
import type { InputMessage } from '../contract/messages.ts';
import type { SessionState } from '../contract/sessions.ts';
import { type Fetch, localSessions } from './local-sessions.ts';
import { Sessions } from './sessions.ts';

export type { Fetch };

export interface KimiClientOptions extends Omit<ClientOptions, 'provider'> {
  /** The base URL, such as `http://127.0.0.1:4100/v1`. Defaults to the environment's KIMI_BASE_URL. */
  baseURL?: string | null | undefined;
  /** The API key. Defaults to the environment's KIMI_API_KEY; with `fetch` alone, to a key of no meaning. */
  apiKey?: ClientOptions['apiKey'];
  /** What sends requests. `emulator.fetch` of an emulator in this process needs no base URL and no key. */
  fetch?: Fetch | undefined;
  /**
   * Where sessions are kept: by the server (the default), or, as the live API keeps none, by a gateway in this process, in
   * `.kimi-emulator/gateway.db`. Defaults to the environment's KIMI_SESSIONS, unless `fetch` is given.
   */
  sessions?: 'server' | 'local' | undefined;
}

/** Reaches nothing but a `fetch` that answers by itself. */
const IN_PROCESS = { baseURL: 'http://kimi-emulator.invalid/v1', apiKey: 'sk-in-process' };

/**
 * The OpenAI SDK with sessions. Everything of the SDK keeps working; every change carries an idempotency key that is kept
 * across the SDK's retries, so that nothing is applied twice.
 * @example
 * ```ts
 * const client = new KimiClient({ baseURL: 'http://127.0.0.1:4100/v1', apiKey: 'sk-any' });
 * const { session_id } = await client.sessions.create();
 * const messages = [{ role: 'user' as const, content: 'Hello.' }];
 * const { choices } = await client.chat.completions.create({ model: 'kimi-k3', session_id, messages });
 * ```
 */
export class KimiClient extends OpenAI {
  protected override idempotencyHeader = 'Idempotency-Key';
  override chat: KimiChat = new KimiChat(this);
  sessions: Sessions = new Sessions(this);

  /** @throws OpenAIError that says how to name a server, where none is named */
  constructor({ sessions, ...options }: KimiClientOptions = {}) {
    const inProcess = options.fetch === undefined ? undefined : IN_PROCESS;
    const baseURL = options.baseURL || readEnv('KIMI_BASE_URL') || inProcess?.baseURL;
    const apiKey = options.apiKey || readEnv('KIMI_API_KEY') || inProcess?.apiKey;
    if (!baseURL || !apiKey) throw new OpenAI.OpenAIError(unnamed(baseURL ? 'KIMI_API_KEY' : 'KIMI_BASE_URL'));
    // Organisation, project and admin key of an OpenAI account are nothing to send to another service.
    const place = sessions ?? (options.fetch ? 'server' : (readEnv('KIMI_SESSIONS') ?? 'server'));
    if (place !== 'server' && place !== 'local') {
      throw new OpenAI.OpenAIError(`sessions (or KIMI_SESSIONS) is server or local, not ${place}`);
    }
    const base = baseURL.replace(/\/+$/, '');
    const local = place === 'local' ? { fetch: localSessions(base, options.fetch) } : {};
    super({ organization: null, project: null, adminAPIKey: null, ...options, ...local, baseURL, apiKey });
  }

  /** This client with what sends its requests wrapped in something else, such as a log or a limit. */
  withFetch(wrap: (fetch: Fetch) => Fetch): this {
    return this.withOptions({ fetch: wrap(this._options.fetch ?? ((input, init) => fetch(input, init))) });
  }

  /** Departure from the SDK: options that are used again do not carry the key of the request before. */
  override request<Rsp>(...[options, remainingRetries]: Parameters<OpenAI['request']>) {
    const own = Promise.resolve(options).then((given) => ({ ...given }));
    return super.request<Rsp>(own, remainingRetries);
  }

  /** Departure from the SDK: a signal that serves many requests does not gather a listener of each. */
  override fetchWithTimeout(...[url, init, ...rest]: Parameters<OpenAI['fetchWithTimeout']>): Promise<Response> {
    const own = init?.signal ? { ...init, signal: AbortSignal.any([init.signal]) } : init;
    return super.fetchWithTimeout(url, own, ...rest);
  }
}

function unnamed(variable: string): string {
  return (
    `${variable} is not set. Start the emulator with \`npx kimi-emulator\` and set KIMI_BASE_URL=http://127.0.0.1:4100/v1 and ` +
    'KIMI_API_KEY to any text, or pass { fetch: emulator.fetch } of createEmulator().'
  );
}

function readEnv(name: string): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.[name]?.trim() || undefined;
}

type Base = OpenAI.Chat.ChatCompletionCreateParams;

interface SessionParams {
  /** Answer in this session: `messages` are the new ones only, and may be empty where its window is not. */
  session_id?: string | null;
  messages: (OpenAI.Chat.ChatCompletionMessageParam | InputMessage)[];
}

/** What the live API takes beside the SDK's parameters. K3 takes the SDK's `reasoning_effort`: low, high or max. */
interface KimiParams {
  thinking?: ChatRequest['thinking'];
  prompt_cache_options?: Base['prompt_cache_options'] | ChatRequest['prompt_cache_options'];
}

/** The SDK's parameters, with `session_id`, and those of Kimi. */
export type ChatParams = Omit<Base, 'messages' | 'stream' | keyof KimiParams> & SessionParams & KimiParams;
export type ChatParamsNonStreaming = ChatParams & { stream?: false | null };
export type ChatParamsStreaming = ChatParams & { stream: true };

type BaseChunk = OpenAI.Chat.ChatCompletionChunk;
type BaseChoice = OpenAI.Chat.ChatCompletionChunk.Choice;

/** What the model thought, and has to be sent back with its tool calls where the history is not kept in a session. */
interface Reasoning {
  reasoning_content?: string;
}

/** The SDK's answer, with the model's reasoning. In a session it says where the session stands now. */
export type ChatCompletion = Omit<OpenAI.Chat.ChatCompletion, 'choices'> & {
  choices: (OpenAI.Chat.ChatCompletion.Choice & { message: Reasoning })[];
  session?: SessionState;
};

/** The SDK's chunk. On the finish chunk stand the usage, and in a session where it stands now: the turn is stored. */
export type ChatCompletionChunk = Omit<BaseChunk, 'choices'> & {
  choices: (BaseChoice & { delta: Reasoning; usage?: CompletionUsage })[];
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
