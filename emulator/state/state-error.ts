/** Why a state file cannot be written or taken in, in one line. Nothing has changed. */
export class StateError extends Error {
  override readonly name = 'StateError';
}
