/** How well a fact about a model is known. A capture beats a document, and a later one beats an earlier one. */
type FactEvidence = 'kimi-capture' | 'kimi-doc' | 'client-author' | 'article' | 'ours';

/** One fact about a model, with where it comes from. */
export interface Fact<Value> {
  readonly value: Value;
  readonly evidence: FactEvidence;
  readonly source: string;
  /** When the source was written or recorded, as far as it is known: a day or a month. */
  readonly date: string;
}

export const EFFORTS = ['low', 'high', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

/**
 * Which earlier reasoning stays in the prompt: all of it, what stands behind the last user message, or what stands behind the
 * last answer without tool calls.
 */
type ReasoningHistory = 'all' | 'after_last_user' | 'after_last_answer';

/** Sampling values: what may be asked for, or the only ones that are accepted. */
type Sampling =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'fixed';
      readonly temperature: number;
      readonly temperatureWithoutThinking: number;
      readonly top_p: number;
      readonly n: number;
      readonly presence_penalty: number;
      readonly frequency_penalty: number;
    };

/** What a request for a state of thinking does. */
type ThinkingSwitch = 'obeyed' | 'refused' | 'ignored';

/** What a `tool_choice` does while the model thinks. Without thinking, all are obeyed. */
type ChoiceWhileThinking = 'obeyed' | 'refused';

/** How call ids are made: counted within one message, or over the history. */
type CallIds = 'NAME_INDEX' | 'functions.NAME:INDEX';

type TemplateName = 'k2' | 'k2.5' | 'k3';

/** The members that a row of `GET /v1/models` has beside the common ones. */
interface ModelRowFields {
  readonly supports_image_in: boolean;
  readonly supports_video_in: boolean;
  readonly supports_reasoning: boolean;
  readonly supports_dynamic_tools?: boolean;
  readonly supports_thinking_type?: 'only' | 'both' | 'no';
  /** In the form that Moonshot's own client reads [kimi-code 0.38.0]. */
  readonly think_efforts?: {
    readonly support: true;
    readonly valid_efforts: Effort[];
    readonly default_effort: Effort;
  };
  readonly reasoning_efforts?: Effort[];
}

/**
 * All that the service does differently for one model. Nothing else asks which model it is: a new model is one new file.
 * Sizes are tokens unless they say otherwise.
 */
export interface ModelProfile {
  readonly id: string;
  /** Names that mean the same model. The name is echoed as it was given. */
  readonly aliases: Fact<readonly string[]>;
  /** The day from which the live service has had it. */
  readonly since: Fact<string>;
  /** The day from which the live service answers 404; null while it is live. */
  readonly retired: Fact<string | null>;
  /** The `created` of its row, Unix seconds. */
  readonly created: Fact<number>;
  readonly row: Fact<ModelRowFields>;
  /** What follows `chatcmpl-` in the id of an answer. */
  readonly completionId: Fact<'uuid' | '24 hex digits'>;
  readonly fingerprint: Fact<{ readonly text: string; readonly on: 'every chunk' | 'finish chunk' } | null>;

  readonly window: Fact<number>;
  /** Largest answer where the request names none. */
  readonly defaultOutput: Fact<number>;
  /** Whether that is cut to what is left of the window, where it is more. */
  readonly clampsDefaultOutput: Fact<boolean>;
  /** Largest answer that may be asked for; the rest of the window where null. */
  readonly largestOutput: Fact<number | null>;
  readonly bodyBytes: Fact<number>;

  readonly thinking: {
    /** Whether it thinks without being asked. */
    readonly byDefault: Fact<boolean>;
    readonly enabled: Fact<ThinkingSwitch>;
    readonly disabled: Fact<ThinkingSwitch>;
    readonly efforts: Fact<{ readonly values: readonly Effort[]; readonly default: Effort } | null>;
    /** Which reasoning of the history stays in the prompt where the request does not say. */
    readonly history: Fact<ReasoningHistory>;
    /** Whether `keep: "all"` keeps all of it. */
    readonly keepAll: Fact<boolean>;
    /** Whether an assistant message with tool calls must bring its reasoning while the model thinks. */
    readonly requiresReasoning: Fact<boolean>;
    /** What answers carry where thinking is off. */
    readonly whenOff: Fact<'nothing' | 'empty reasoning and one token'>;
  };

  readonly sampling: Fact<Sampling>;

  readonly tools: {
    readonly namePattern: Fact<string>;
    readonly requiredWhileThinking: Fact<ChoiceWhileThinking>;
    readonly namedWhileThinking: Fact<ChoiceWhileThinking>;
    readonly callIds: Fact<CallIds>;
    /** Whether arguments have a space behind each comma and colon. */
    readonly spacedArguments: Fact<boolean>;
    /** Names of `builtin_function` tools, which the server runs itself. */
    readonly builtins: Fact<readonly string[]>;
    /** Whether system messages may bring tools. */
    readonly dynamic: Fact<boolean>;
    /** How strictly schemas of tools and answers are checked; null where they are not. */
    readonly schemas: Fact<'lite' | 'strict' | 'ultra' | null>;
  };

  /** Whether pictures and videos are taken as parts of a message. */
  readonly media: Fact<boolean>;
  /** Whether usage names the cached part of a prompt in `prompt_tokens_details` too. */
  readonly promptDetails: Fact<boolean>;
  readonly template: Fact<TemplateName>;
}

/** The pages and repositories that facts are taken from, by the short names that the project uses. */
const FACT_SOURCES = {
  PD: { title: 'platform.kimi.ai documentation', date: '2026-08-13' },
  PD9: { title: 'platform.moonshot.cn documentation and openapi.json', date: '2026-09-03' },
  CC: { title: 'Kimi API documentation, context caching', date: '2026-11' },
  HC: { title: 'Kimi help center', date: '2026-07-28' },
  KVV: { title: 'MoonshotAI/Kimi-Vendor-Verifier 3dad65a', date: '2026-08-13' },
  WAL: { title: 'MoonshotAI/walle v0.1.13', date: '2026-06-29' },
  KC: { title: 'MoonshotAI/kimi-code 0.38.0', date: '2026-08-22' },
  CLI: { title: 'kimi-cli 1.49.0', date: '2026-07-16' },
  HAL: { title: "measurements on both live hosts by the Halro gateway's author", date: '2026-09-01' },
  VAI: { title: 'vercel/ai packages/moonshotai, recorded live answers', date: '2026-08-24' },
  APD: { title: 'apidog article on K3.1 Pro', date: '2026-10-24' },
  DYN: { title: 'ai-dynamo kimi_k3 renderer', date: '2026-08' },
  WIRE: { title: 'captures of K2 in public repositories', date: '2026-11' },
  DOC: { title: 'Kimi API documentation', date: '2026-11' },
  ARTICLE: { title: 'article "Kimi K2-0905: state management for long flows"', date: '2025-10' },
  OURS: { title: 'kimi-emulator', date: '2026-11-30' },
} as const satisfies Record<string, { title: string; date: string }>;

type FactSource = keyof typeof FACT_SOURCES;

/** Seen on the live service, or asked of it by its official suite. */
export function captured<const Value>(value: Value, source: FactSource): Fact<Value> {
  return fact('kimi-capture', value, source);
}

/** Written in an official document. */
export function documented<const Value>(value: Value, source: FactSource): Fact<Value> {
  return fact('kimi-doc', value, source);
}

/** Told by the author of a client. */
export function reported<const Value>(value: Value, source: FactSource): Fact<Value> {
  return fact('client-author', value, source);
}

/** Not known; decided by this project, and listed in docs/departures.md. */
export function assumed<const Value>(value: Value): Fact<Value> {
  return fact('ours', value, 'OURS');
}

function fact<Value>(evidence: FactEvidence, value: Value, source: FactSource): Fact<Value> {
  const { title, date } = FACT_SOURCES[source];
  return { value, evidence, source: title, date };
}
