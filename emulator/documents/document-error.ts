/** A file of settings that cannot be used; the message is one line that says which file and line, and what is wrong. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
}
