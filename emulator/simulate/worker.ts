import { parentPort, workerData } from 'node:worker_threads';
import { type Material, Sweep, type SweepJob, type ThreadAnswer } from './sweep.ts';

/** A thread of a sweep: one job after another, each answered with its runs. */
const sweep = new Sweep(workerData as Material, new Map());

parentPort?.on('message', (job: SweepJob) => {
  const answer = (message: ThreadAnswer) => parentPort?.postMessage(message);
  sweep.run(job).then(
    (runs) => answer({ runs }),
    (error: unknown) => {
      const isUsers = error instanceof RangeError;
      answer({ fault: isUsers ? error.message : String((error as Error).stack ?? error), isUsers });
    },
  );
});
