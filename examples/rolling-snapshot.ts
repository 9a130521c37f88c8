import { command } from './command.ts';

// `npm run example`. The loop itself is in chat-round.ts; what plays text through it, in player.ts.
// Whoever reads only the beginning of the output, as `head` does, has seen enough.
process.stdout.on('error', () => process.exit());
process.exitCode = await command(process.argv.slice(2), process);
