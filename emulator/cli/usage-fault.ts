const AMBIGUOUS = /^Option '(?:-\w, )?(--[\w-]+)[^']*' argument is ambiguous/;

/** Why `parseArgs` refused a command line, in one line: Node explains at length. */
export function usageFault(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const flag = AMBIGUOUS.exec(message)?.[1];
  if (flag !== undefined) return `${flag} has no value; one that begins with a dash is written ${flag}=-…`;
  return message.split(/\. |\n/)[0] ?? message;
}
