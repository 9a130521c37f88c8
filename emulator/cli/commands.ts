type Command = (args: string[]) => Promise<number>;

/** Subcommands by name, each loaded when it is asked for. They resolve to the exit code. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  tokenizer: async (args) => (await import('./tokenizer.ts')).runTokenizerCommand(args, process),
  spend: async (args) => (await import('./spend.ts')).runSpendCommand(args, process),
  doctor: async (args) => (await import('./doctor.ts')).runDoctorCommand(args, process),
  conformance: (args) => runConformance(args),
};

/** The kit judges the emulator from outside and is no part of it, so it is loaded by its name, as it loads the emulator. */
async function runConformance(args: string[]): Promise<number> {
  const name = new URL('../../conformance/cli/command.js', import.meta.url).href;
  const { conformanceCommand, processTerminal } = (await import(name)) as {
    conformanceCommand(args: string[], terminal: unknown): Promise<number>;
    processTerminal(): unknown;
  };
  return conformanceCommand(args, processTerminal());
}
