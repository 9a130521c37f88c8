import { resolve } from 'node:path';
import { PatternError } from '../engines/patterns/pattern.ts';
import type { Upstream } from '../gateway/upstream.ts';
import { type Check, is, option } from '../options.ts';
import { RecordingUpstream } from './recording-upstream.ts';
import { compileRedactions } from './redaction.ts';
import { ReplayUpstream, type Speed } from './replay-upstream.ts';
import { Tape } from './tape.ts';

const isFile = is((value) => typeof value === 'string' && value !== '');

/** Options of a gateway that records what its upstream answers, or replays what was recorded. */
export const TAPE_OPTIONS = {
  /** Adds every exchange with the upstream to this file. */
  record: option<string>(isFile, {
    meaning: 'tape that every exchange with the upstream is added to',
    wanted: 'a file',
    otherwise: 'nothing is recorded',
    flag: { name: 'record', value: 'FILE' },
  }),
  /** Answers with what this file holds, and asks no upstream. */
  replay: option<string>(isFile, {
    meaning: 'tape that answers in place of the upstream, without a network',
    wanted: 'a file',
    otherwise: 'the upstream answers',
    flag: { name: 'replay', value: 'FILE' },
  }),
  /** With `replay`: asks the upstream for what the tape lacks, and adds it. */
  recordMisses: option<boolean>(
    is((value) => typeof value === 'boolean'),
    {
      meaning: 'whether the upstream is asked for what the tape lacks, which is then added to it',
      wanted: 'true or false',
      otherwise: 'a request that the tape lacks is refused with tape_miss',
    },
  ),
  /** Regular expressions: what they match is written as `[redacted]`, as keys always are. */
  redact: option<readonly string[]>(checkPatterns, {
    meaning: 'regular expressions of what is never written to a tape; keys never are',
    wanted: 'a list of regular expressions',
    otherwise: 'keys alone',
    flag: {
      name: 'redact',
      value: 'REGEX',
      multiple: true,
      help: 'write what this matches as [redacted]; repeatable. Keys are never written',
    },
  }),
  /** Whether a replayed answer comes at once, or with the pauses that were recorded. */
  speed: option<Speed>(
    is((value) => value === 'instant' || value === 'original'),
    {
      meaning: 'whether replayed answers come at once or as they were recorded',
      wanted: 'instant or original',
      otherwise: 'instant',
      flag: {
        name: 'speed',
        value: 'HOW',
        choices: ['instant', 'original'],
        help: 'replay at once (instant, default) or with the recorded pauses (original)',
      },
    },
  ),
} as const;

type TapeOptions = {
  -readonly [Name in keyof typeof TAPE_OPTIONS]?: (typeof TAPE_OPTIONS)[Name]['value'] | undefined;
};

/**
 * Which of these options excludes another, in one line. Undefined where none does.
 * @param nameOf how an option is called where it was given
 */
export function tapeConflict(
  { record, replay, recordMisses, redact, speed }: TapeOptions,
  hasUpstream: boolean,
  nameOf: (option: keyof TapeOptions) => string,
): string | undefined {
  const goesWith = (name: keyof TapeOptions, ...others: (keyof TapeOptions)[]) =>
    `${nameOf(name)} goes with ${others.map(nameOf).join(' or ')}`;
  if (replay === undefined) {
    if (recordMisses) return goesWith('recordMisses', 'replay');
    if (speed !== undefined) return goesWith('speed', 'replay');
    return redact && record === undefined ? goesWith('redact', 'record', 'replay') : undefined;
  }
  if (recordMisses && !hasUpstream) return `${nameOf('recordMisses')} needs an upstream to ask`;
  if (record === undefined || resolve(replay) !== resolve(record)) return undefined;
  const exclude = `${nameOf('record')} and ${nameOf('replay')} of one file exclude each other`;
  return `${exclude}; ${nameOf('recordMisses')} adds what it lacks`;
}

/**
 * The upstream of a gateway with these options: a live one, recorded or not, or a tape.
 * @param live makes the live one, where it is needed
 * @throws TapeError in one line for a file that cannot be used
 */
export function tapedUpstream(
  { record, replay, recordMisses = false, redact = [], speed = 'instant' }: TapeOptions,
  live: () => Upstream,
  warn: (note: string) => void = warnOnConsole,
): Upstream {
  const patterns = compileRedactions(redact);
  const open = (path: string, writes: boolean) => new Tape(path, { writes, redactions: patterns.length, warn });
  const recorded = (upstream: Upstream, tape: Tape) => new RecordingUpstream(upstream, tape, patterns, warn);
  let upstream: Upstream;
  if (replay === undefined) upstream = live();
  else {
    const tape = open(replay, recordMisses);
    if (tape.redactions !== patterns.length) warn(otherRedactions(tape, patterns.length));
    const misses = recordMisses ? recorded(live(), tape) : undefined;
    upstream = new ReplayUpstream({ tape, patterns, speed, misses });
  }
  return record === undefined ? upstream : recorded(upstream, open(record, true));
}

/** A tape does not hold the patterns themselves: one may be the secret. */
function otherRedactions({ path, redactions }: Tape, given: number): string {
  return `tape ${path}: recorded with ${redactions} patterns to redact, and replayed with ${given}: what they matched is not found`;
}

function warnOnConsole(note: string): void {
  console.error(`kimi-emulator: ${note}`);
}

function checkPatterns(...[value, name, refuse, wanted]: Parameters<Check>): ReturnType<Check> {
  if (!Array.isArray(value)) return refuse(name, wanted, value);
  for (const [index, source] of value.entries()) {
    if (typeof source !== 'string') return refuse(`${name}[${index}]`, 'a regular expression', source);
    try {
      const [pattern] = compileRedactions([source]);
      if (pattern?.test(''))
        refuse(`${name}[${index}]`, 'a regular expression that does not match an empty text', source);
    } catch (error) {
      if (error instanceof PatternError) throw new RangeError(`option ${name}[${index}]: ${error.message}`);
      throw error;
    }
  }
}
