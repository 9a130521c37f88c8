import type { Emulator } from './emulator.ts';
import { openEmulator } from './open-emulator.ts';
import { checkOptions, type EmulatorOptions } from './options.ts';

export type { BillingSettings } from './billing/settings.ts';
export type { Spend, SpendOptions } from './billing/spend.ts';
export type { Clock, MovableClock } from './clock.ts';
export type { EmulatorConfig } from './config.ts';
export type { Emulator, EmulatorState } from './emulator.ts';
export type { Tokenizer, TokenizerSource } from './engines/tokens/tokenizer.ts';
export type { FaultEffect, FaultEffectName } from './faults/fault-spec.ts';
export { FaultError, type FaultSpec } from './faults/fault-spec.ts';
export type { FaultHandle, Faults, ListedFault } from './faults/faults.ts';
export { createGateway, type GatewayOptions } from './gateway/create-gateway.ts';
export { type JournalEntry, type JournalFilter, render as renderJournal } from './journal/entries.ts';
export type { Journal, JournalBounds } from './journal/journal.ts';
export type { Model, ModelDelta, ModelRequest } from './models/model.ts';
export type { ScriptOptions } from './models/scriptable.ts';
export type { ReplyFunction, ScriptedReply, ScriptRule } from './models/scripted.ts';
export type { EmulatorOptions } from './options.ts';
export type { ListenOptions, RunningServer } from './server.ts';
export { type ExportOptions, type Imported, type ImportOptions, StateError } from './state/state-file.ts';

/**
 * An emulator in this process.
 *
 * @example
 * await using emulator = createEmulator({ seed: 'harbour' });
 * const client = new OpenAI({ baseURL: emulator.baseURL, apiKey: 'any', fetch: emulator.fetch });
 * @throws TypeError for an unknown option, RangeError for a value or a limit out of range, DatabaseError or TokenizerFileError in one line for an unusable file
 */
export function createEmulator(options: EmulatorOptions = {}): Emulator {
  checkOptions(options);
  return openEmulator(options);
}
