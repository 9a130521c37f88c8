import { command } from './command.ts';

/** `npm run example`: the loop itself is in chat-round.ts; what plays text through it, in player.ts. */
process.exitCode = await command(process.argv.slice(2), process);
