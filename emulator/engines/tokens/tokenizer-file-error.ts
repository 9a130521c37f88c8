/** A vocabulary that cannot be used; the message is one line that says which file, what is wrong and what to do. */
export class TokenizerFileError extends Error {
  override readonly name = 'TokenizerFileError';
}
