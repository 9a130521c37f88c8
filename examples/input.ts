import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dialogueSteps } from './dialogues.ts';
import { UsageError } from './flags.ts';
import { pageSteps } from './pages.ts';
import type { Step } from './step.ts';

/** A conversation to play, as often as it takes. */
export interface Input {
  name: string;
  /** One reading from beginning to end. */
  read(reading: number): AsyncGenerator<Step>;
}

const SHARED = ['tau-airline.jsonl', 'story-of-the-stone.txt'].map((name) =>
  fileURLToPath(new URL(`../../shared/data/${name}`, import.meta.url)),
);
const OWN = fileURLToPath(new URL('input', import.meta.url));

/** The input named, or what is at hand: the data beside the project, else what ships with the example. */
export function openInput(path: string | undefined): Input {
  if (path !== undefined) return inputAt(path);
  const present = SHARED.filter((file) => existsSync(file));
  if (present.length === 0) return { ...inputAt(OWN), name: "the example's own (examples/input), again and again" };
  return takeTurns(present.map(inputAt));
}

/** @throws UsageError */
function inputAt(path: string): Input {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new UsageError(`${path} does not exist`);
  if (stats.isFile()) return { name: basename(path), read: (reading) => fileSteps(path, basename(path), reading) };
  if (!stats.isDirectory()) throw new UsageError(`${path} is neither a file nor a folder`);
  return { name: path, read: (reading) => folderSteps(path, reading) };
}

async function* folderSteps(folder: string, reading: number): AsyncGenerator<Step> {
  for await (const path of filesOf(folder)) yield* fileSteps(path, relative(folder, path), reading);
}

/** All files below a folder in the order of their names, hidden ones and installed packages left out. */
async function* filesOf(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    if (name.startsWith('.') || name === 'node_modules') continue;
    if (entry.isDirectory()) yield* filesOf(join(folder, name));
    else if (entry.isFile()) yield join(folder, name);
  }
}

function fileSteps(path: string, name: string, reading: number): AsyncGenerator<Step> {
  return name.endsWith('.jsonl') ? dialogueSteps(path) : pageSteps(path, name, reading);
}

/** Several inputs as one: a step that ends a stretch of one is followed by a stretch of the next. */
function takeTurns(inputs: Input[]): Input {
  return {
    name: inputs.map(({ name }) => name).join(', '),
    async *read(reading) {
      let waiting = inputs.map((input) => input.read(reading));
      while (waiting.length > 0) {
        const unfinished: AsyncGenerator<Step>[] = [];
        for (const steps of waiting) {
          if (yield* stretch(steps)) unfinished.push(steps);
        }
        waiting = unfinished;
      }
    },
  };
}

/** Steps up to the next end of a stretch; whether there are more. */
async function* stretch(steps: AsyncGenerator<Step>): AsyncGenerator<Step, boolean> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return false;
    yield value;
    if (value.ends) return true;
  }
}
