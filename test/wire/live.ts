import { expect } from 'vitest';
import type { EmulatorOptions, Model, ModelDelta } from '../../emulator/index.ts';
import { type Api, startEmulator, type Transport } from '../support/emulator.ts';

/** 2026-11-22T08:00:00Z, `"created":1795334400` on the wire. */
const NOW_MS = 1_795_334_400_000;

/** A model that says what it is told to. */
export function saying(...deltas: ModelDelta[]): Model {
  return {
    name: 'scripted',
    async *complete() {
      yield* deltas;
    },
  };
}

const OK = saying({ type: 'text', text: 'OK' });
export const WEATHER = saying(
  { type: 'tool_call', name: 'get_weather', arguments: '{"city":"Berlin"}' },
  { type: 'tool_call', name: 'get_time', arguments: '{}' },
);

/** An emulator whose answers can be written down in advance: fixed time, fixed vocabulary. */
export function startFixed(transport: Transport, options: EmulatorOptions = {}): Promise<Api> {
  return startEmulator(transport, {
    tokenizer: 'o200k_base',
    clock: { now: () => NOW_MS },
    model: OK,
    ...options,
  });
}

const COMPLETION_ID = /"id":"chatcmpl-[0-9a-f]{24}"/g;

/** Puts `ID` for the completion id, which has to be the same wherever it stands. */
export function maskId(text: string): string {
  expect(new Set(text.match(COMPLETION_ID)).size).toBe(1);
  return text.replaceAll(COMPLETION_ID, '"id":"chatcmpl-ID"');
}
