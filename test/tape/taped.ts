import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createEmulator, createGateway, type EmulatorOptions, type GatewayOptions } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';
import { Api, openApi, type Transport } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';

/** Both sides of a run are seeded, so that two of them can be compared byte for byte. */
const SEEDED = { tokenizer: O200K, seed: 'tape' };

export function newTape(): string {
  return join(temporaryFolder(), 'run.tape');
}

/** A gateway that records an emulator. `stop` closes both. */
export async function startRecording(
  transport: Transport,
  record: string,
  { upstream = {}, ...options }: Omit<GatewayOptions, 'upstream'> & { upstream?: EmulatorOptions } = {},
) {
  const emulator = createEmulator({ ...SEEDED, ...upstream });
  await emulator.listen();
  const gateway = createGateway({ ...SEEDED, record, ...options, upstream: emulator.baseURL });
  const stop = async (): Promise<void> => {
    await gateway.close();
    await emulator.close();
  };
  onTestFinished(stop);
  if (transport === 'over HTTP') await gateway.listen();
  return { api: new Api(gateway, transport), stop, upstream: emulator };
}

/** A gateway that has nothing but a tape. */
export function startReplay(transport: Transport, replay: string, options: GatewayOptions = {}): Promise<Api> {
  return openApi(createGateway({ ...SEEDED, ...options, replay }), transport);
}

/** The exchanges of a tape, as they stand in the file. */
export function exchangesOf(path: string) {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
  return lines.map((line) => JSON.parse(line));
}
