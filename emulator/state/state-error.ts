/** Why a state file cannot be written or taken in, in one line. Nothing has changed. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** For a file of what is here already: it was taken in before, or is of this very state. */
export class AlreadyHereError extends StateError {}
