import { resolveLimits } from '../../contract/limits.ts';
import { EXIT } from '../core/exit-code.ts';
import { planOf } from '../core/plan.ts';
import { Runner } from '../core/runner.ts';
import { select } from '../core/select.ts';
import { type Swept, sweep } from '../core/sweep.ts';
import { Fault, Mismatch } from '../core/verdict.ts';
import { oneLine } from '../report/text.ts';
import type { Target } from '../targets/target.ts';
import type { Terminal } from './command.ts';
import { capabilitiesText, listText, planText } from './list.ts';
import type { Options } from './options.ts';
import { selectionOf } from './selection.ts';
import { targetOf } from './target-of.ts';

/** What a run would send at most. Sends nothing, so the limits are the contract's. */
export async function planCommand(options: Options, { stdout, env }: Terminal): Promise<number> {
  const target = await targetOf(options, env);
  try {
    const runner = new Runner(target);
    const plan = planOf(select(selectionOf(options)), resolveLimits(target.limits), runner.purse);
    stdout.write(planText(plan, runner.purse.toReport(), `${target.name}, model ${target.model}`));
    return EXIT.conformant;
  } finally {
    await target.close?.();
  }
}

export async function listCommand(options: Options, { stdout }: Terminal): Promise<number> {
  stdout.write(listText(selectionOf(options)));
  return EXIT.conformant;
}

/** What the target offers. Creates nothing and costs nothing. @throws Unreachable */
export async function probeCommand(options: Options, { stdout, env }: Terminal): Promise<number> {
  const target = await targetOf(options, env);
  try {
    const runner = new Runner(target);
    stdout.write(capabilitiesText(await runner.probe()));
    return EXIT.conformant;
  } finally {
    await target.close?.();
  }
}

/** A target that cannot be read is not swept. @throws Unreachable, Fault */
async function swept(target: Target, folder: string): Promise<Swept> {
  await new Runner(target).greet();
  return sweep(target, folder).catch((error: unknown) => {
    throw error instanceof Mismatch ? new Fault(error.message) : error;
  });
}

/** Finishes what killed runs left behind. */
export async function sweepCommand(options: Options, { stdout, env }: Terminal): Promise<number> {
  const target = await targetOf(options, env);
  const { deleted, left, others, torn } = await swept(target, options.out).finally(() => target.close?.());
  stdout.write(`${deleted.length} deleted, ${left.length} could not be deleted\n`);
  for (const id of left) stdout.write(`  left: ${oneLine(id)}\n`);
  for (const name of others) stdout.write(`  of another target, left alone: ${oneLine(name)}\n`);
  for (const line of torn) stdout.write(`  ${oneLine(line)}\n`);
  return left.length > 0 ? EXIT.leaked : EXIT.conformant;
}
