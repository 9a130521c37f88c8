import { type Output, oneLine } from '../../emulator/terminal/text.ts';
import type { RunOptions } from '../core/run.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the command reads and writes. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  /** Calls back at the first SIGINT or SIGTERM, and returns what ends the waiting for one. */
  onInterrupt(interrupt: () => void): () => void;
}

interface Progress {
  onCase: NonNullable<RunOptions['onCase']>;
  /** Takes the line away again. */
  end(): void;
}

const CLEAR_LINE = '\r\u001b[K';
const LOUD = new Set(['fail', 'error']);

/** Where a run is. On a terminal one line that is written over; otherwise only what goes wrong, as it does. */
export function progressOn(stream: Terminal['stderr']): Progress {
  const clear = stream.isTTY ? CLEAR_LINE : '';
  return {
    onCase(subject, results, done, all) {
      for (const { id, verdict, message = '' } of results.filter((result) => LOUD.has(result.verdict))) {
        const [first = ''] = message.split('\n');
        stream.write(`${clear}${verdict}  ${id}  ${oneLine(first)}\n`);
      }
      if (stream.isTTY) stream.write(`${clear}[${done}/${all}] ${subject.id}`);
    },
    end: () => void stream.write(clear),
  };
}
