import type { Fact, ModelProfile } from '../../contract/models/profile.ts';

/** One thing that is known of a model, in words for people. */
interface ProfileRow {
  name: string;
  cell: string;
  fact: Fact<unknown>;
}

/** What a profile says, row by row; the rows of all profiles are of the same names in the same order. */
export function profileRows({ thinking, tools, ...profile }: ModelProfile): ProfileRow[] {
  return [
    row('live since', profile.since, String),
    row('retired', profile.retired, (day) => day ?? 'no'),
    row('window', profile.window, tokens),
    row('output by default', profile.defaultOutput, tokens),
    row('largest output', profile.largestOutput, (most) => (most === null ? 'rest of the window' : tokens(most))),
    row('request body', profile.bodyBytes, (bytes) => `${bytes / 2 ** 20} MiB`),
    row('thinks by default', thinking.byDefault, yesNo),
    row('thinking disabled', thinking.disabled, String),
    row('efforts', thinking.efforts, (efforts) =>
      efforts === null ? 'none' : efforts.values.map((value) => mark(value, efforts.default)).join(', '),
    ),
    row('reasoning that stays', thinking.history, (rule) => rule.replaceAll('_', ' ')),
    row('keep: "all"', thinking.keepAll, (keeps) => (keeps ? 'all stays' : 'not taken')),
    row('reasoning required', thinking.requiresReasoning, (needs) => (needs ? 'with tool calls' : 'no')),
    row('temperature', profile.sampling, (sampling) => {
      if (sampling.kind === 'free') return 'free';
      const { temperature, temperatureWithoutThinking: without } = sampling;
      return without === temperature || thinking.disabled.value === 'refused'
        ? `${temperature} only`
        : `${temperature} only, ${without} without thinking`;
    }),
    row('top_p', profile.sampling, (sampling) => (sampling.kind === 'free' ? 'free' : `${sampling.top_p} only`)),
    row('n', profile.sampling, (sampling) => (sampling.kind === 'free' ? 'free' : `${sampling.n} only`)),
    row('tool_choice required', tools.requiredWhileThinking, whileThinking),
    row('tool_choice named', tools.namedWhileThinking, whileThinking),
    row('call ids', tools.callIds, String),
    row('built-in functions', tools.builtins, (names) => names.join(', ')),
    row('tools in system messages', tools.dynamic, yesNo),
    row('schemas', tools.schemas, (level) => (level === null ? 'not checked' : `MFJS ${level}`)),
    row('pictures and videos', profile.media, yesNo),
    row('prompt template', profile.template, String),
  ];
}

function row<Value>(name: string, fact: Fact<Value>, write: (value: Value) => string): ProfileRow {
  return { name, cell: write(fact.value), fact };
}

function tokens(count: number): string {
  return count.toLocaleString('en-US');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function mark(value: string, byDefault: string): string {
  return value === byDefault ? `${value} (default)` : value;
}

function whileThinking(does: string): string {
  return does === 'refused' ? 'refused while thinking' : 'obeyed';
}
