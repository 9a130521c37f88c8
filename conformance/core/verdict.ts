/**
 * What became of a check.
 *
 * - `pass`; `fail`: a MUST is broken; `warn`: a SHOULD is; `info`: a MAY, or a rule that may not be scored on this target
 * - `n/a`: the target says that it does not offer this, and that was seen to be so
 * - `not_run`: left out (filter, budget, no second or dedicated account)
 * - `error`: nothing is known, because the transport, the server or the kit itself failed
 *
 * `not_run` and `error` are never green.
 */
export const VERDICTS = ['pass', 'fail', 'warn', 'info', 'n/a', 'not_run', 'error'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The target did something else than it should. The message says what was due and what came. */
export class Mismatch extends Error {}

/** Nothing can be said of the target: it could not be reached, or broke down where it should have succeeded. */
export class Fault extends Error {}

/** A fault before anything was sent, so that it had no effect. */
export class Unsent extends Fault {}

/** The check was left out, and why. */
export class NotRun extends Error {}

/** The target does not offer this, and that was seen to be so. */
export class NotApplicable extends Error {}
