import {
  type CommandShape,
  type Flag,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  oneOf,
  parseFlags,
} from '../terminal/flags.ts';
import { viewOf } from '../terminal/text.ts';
import { DOCTOR_SHAPE } from './doctor.ts';
import { EXEC_SHAPE } from './exec.ts';
import { COMMANDS, type CommandName, FLAGS, GATEWAY_FLAGS } from './flags.ts';
import { INSPECT_SHAPE } from './inspect.ts';
import { JOURNAL_SHAPE } from './journal.ts';
import { MODELS_SHAPE } from './models.ts';
import { SIMULATE_SHAPE } from './simulate.ts';
import { SPEND_SHAPE } from './spend.ts';
import { TAPE_SHAPE } from './tape.ts';
import { TOKENIZER_SHAPE } from './tokenizer.ts';
import { TOOLS_SHAPE } from './tools.ts';
import { type CommandIo, runCommand } from './usage.ts';
import { DIFF_SHAPE, SESSIONS_SHAPE, WINDOW_SHAPE } from './windows.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const PROGRAM = 'kimi-emulator';

type Shapes = readonly (readonly [name: string, shape: CommandShape])[];

/** What shells complete, by command; of the server itself under no name. */
function shapesOf(conformance: CommandShape): Shapes {
  const shapes: Readonly<Record<CommandName, CommandShape>> = {
    exec: EXEC_SHAPE,
    gateway: { flags: GATEWAY_FLAGS },
    tape: TAPE_SHAPE,
    tokenizer: TOKENIZER_SHAPE,
    inspect: INSPECT_SHAPE,
    spend: SPEND_SHAPE,
    models: MODELS_SHAPE,
    tools: TOOLS_SHAPE,
    journal: JOURNAL_SHAPE,
    sessions: SESSIONS_SHAPE,
    window: WINDOW_SHAPE,
    diff: DIFF_SHAPE,
    doctor: DOCTOR_SHAPE,
    simulate: SIMULATE_SHAPE,
    conformance,
    completion: { flags: HELP_FLAG, actions: SHELLS },
  };
  return [['', { flags: FLAGS, actions: Object.keys(COMMANDS) }], ...Object.entries(shapes)];
}

const LOADING: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: 'eval "$(kimi-emulator completion bash)" in ~/.bashrc',
  zsh: 'eval "$(kimi-emulator completion zsh)" in ~/.zshrc, after compinit',
  fish: 'kimi-emulator completion fish | source in ~/.config/fish/config.fish',
};

/** The subcommand `kimi-emulator completion`: prints a script for a shell. Resolves to the exit code. */
export function runCompletionCommand(args: string[], io: CommandIo, conformance: CommandShape): Promise<number> {
  return runCommand('completion', io, async () => {
    const { stdout, env } = io;
    const { values, positionals } = parseFlags(args, HELP_FLAG);
    if (values.help) {
      const about = ['Prints a script that completes commands, flags and their values. To load it:'];
      const rows = [...Object.entries(LOADING), ...flagRows(HELP_FLAG)];
      stdout.write(helpPage({ usage: ['completion bash|zsh|fish'], about, rows }, viewOf(stdout, env).width));
      return 0;
    }
    const shell = oneOf(SHELLS, positionals.join(' '), 'the shell');
    stdout.write({ bash: bashScript, zsh: zshScript, fish: fishScript }[shell](shapesOf(conformance)));
    return 0;
  });
}

const isPath = ({ value = '' }: Flag): boolean => /^(?:FILE|DIR|PATH)$/.test(value);
const optionsOf = (flags: Flags): string[] => Object.keys(flags).map((name) => `--${name}`);
/** Texts of our own in the single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bashScript(shapes: Shapes): string {
  const values = shapes.flatMap(([name, { flags }]) =>
    Object.entries(flags).flatMap(([flag, known]) => {
      if (known.value === undefined) return [];
      const pattern = quoted(`${name} --${flag}`);
      if (known.choices) return [`    ${pattern}) _kimi_emulator_list ${quoted(known.choices.join(' '))}; return ;;`];
      return [`    ${pattern}) ${isPath(known) ? 'COMPREPLY=($(compgen -f -- "$cur")); ' : ''}return ;;`];
    }),
  );
  const words = shapes.map(([name, { flags, actions = [], files = false }]) => {
    const lists = `flags=${quoted(optionsOf(flags).join(' '))} actions=${quoted(actions.join(' '))}`;
    return `    ${quoted(name)}) ${lists}${files ? ' files=yes' : ''} ;;`;
  });
  return `# bash completion of ${PROGRAM}; load with: ${LOADING.bash}
_kimi_emulator_list() {
  local head=
  [[ $cur == *,* ]] && head=\${cur%,*},
  COMPREPLY=($(compgen -P "$head" -W "$1" -- "\${cur##*,}"))
}
_kimi_emulator() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= place=$COMP_CWORD
  local flags= actions= files= word
  COMPREPLY=()
  if [[ $COMP_CWORD -gt 1 && \${COMP_WORDS[1]} != -* ]]; then
    command=\${COMP_WORDS[1]}
    place=$((COMP_CWORD - 1))
  fi
  if [[ $command == exec ]]; then
    for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
      [[ $word == -- ]] && { COMPREPLY=($(compgen -A command -A file -- "$cur")); return; }
    done
  fi
  case "$command $prev" in
${values.join('\n')}
  esac
  case "$command" in
${words.join('\n')}
  esac
  if [[ $cur != -* && $place == 1 && -n $actions ]]; then flags=$actions
  elif [[ $cur != -* && -n $files ]]; then COMPREPLY=($(compgen -f -- "$cur")); return
  fi
  COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}
complete -o filenames -o bashdefault -F _kimi_emulator ${PROGRAM}
`;
}

function zshScript(shapes: Shapes): string {
  const escaped = (text: string) => text.replaceAll(/[[\]:\\]/g, (mark) => `\\${mark}`);
  const specOf = ([name, known]: [string, Flag]): string => {
    const { value, choices, multiple, help } = known;
    const action = choices ? `(${choices.join(' ')})` : isPath(known) ? '_files' : ' ';
    const taken = value === undefined ? '' : `:${escaped(value)}:${action}`;
    return quoted(`${multiple ? '*' : ''}--${name}${value === undefined ? '' : '='}[${escaped(help)}]${taken}`);
  };
  const cases = shapes.map(([name, { flags, actions = [], files = false }]) => {
    const first = actions.length > 0 ? [quoted(`1: :(${actions.join(' ')})`)] : [];
    const rest = name === 'exec' ? [quoted('*:: :_normal')] : files ? [quoted('*: :_files')] : [];
    const specs = [...Object.entries(flags).map(specOf), ...first, ...rest];
    return `    ${quoted(name)})\n      _arguments ${specs.join(' \\\n        ')} ;;`;
  });
  return `#compdef ${PROGRAM}
# zsh completion of ${PROGRAM}; load with: ${LOADING.zsh}
_kimi_emulator() {
  local command=
  if (( CURRENT > 2 )) && [[ $words[2] != -* ]]; then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${cases.join('\n')}
  esac
}
compdef _kimi_emulator ${PROGRAM}
`;
}

function fishScript(shapes: Shapes): string {
  const names = Object.keys(COMMANDS).join(' ');
  const lines = shapes.flatMap(([name, { flags, actions = [], files = false }]) => {
    const isHere = name === '' ? `not __fish_seen_subcommand_from ${names}` : `__fish_seen_subcommand_from ${name}`;
    const start = `complete -c ${PROGRAM} -n ${quoted(isHere)}`;
    const ofFlags = Object.entries(flags).map(([flag, known]) => {
      const { value, short, choices, help } = known;
      const taken = value === undefined ? '' : isPath(known) ? ' -r -F' : ' -x';
      const list = choices ? ` -a ${quoted(choices.join(' '))}` : '';
      return `${start}${short === undefined ? '' : ` -s ${short}`} -l ${flag}${taken}${list} -d ${quoted(help)}`;
    });
    const helps: Readonly<Record<string, string>> = name === '' ? COMMANDS : {};
    const isFirst = quoted(`${isHere}; and not __fish_seen_subcommand_from ${actions.join(' ')}`);
    const ofActions = actions.map((action) => {
      const help = helps[action] === undefined ? '' : ` -d ${quoted(helps[action])}`;
      return `complete -c ${PROGRAM} -n ${isFirst} -f -a ${action}${help}`;
    });
    return [...(files || name === 'exec' ? [] : [`${start} -f`]), ...ofFlags, ...ofActions];
  });
  return `# fish completion of ${PROGRAM}; load with: ${LOADING.fish}\n${lines.join('\n')}\n`;
}
