/** `- user #412 `, `was b#7-b#9 `: what stands before the quotation in a line of a summary. */
const LABEL =
  /^(?:[-"]\s*)?(?:(?:user|assistant|system|tool|was|[\w-]{1,64}\(\)|×\d+(?: \S{1,80})?) )?[a-z]{0,4}#\d{1,9}(?:-[a-z]{0,4}#\d{1,9})? /;
const REPLACED = /^(?:[-"]\s*)?was [a-z]{0,4}#\d/;
/** Units searched for the beginning of a line. */
const MAX_LINE = 4_000;

/** A line, or a key at its beginning, without its label. */
export const withoutLabel = (line: string): string => line.replace(LABEL, '');

/** Whether the line around an offset quotes what a later message replaced. */
export function isReplaced(text: string, at: number): boolean {
  const offset = Math.max(0, at - MAX_LINE);
  const lineStart = offset + text.slice(offset, at).lastIndexOf('\n') + 1;
  return REPLACED.test(text.slice(lineStart, lineStart + 32));
}
