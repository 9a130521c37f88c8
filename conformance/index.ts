export type { Baseline } from './core/baseline.ts';
export { type RunOptions, runConformance } from './core/run.ts';
export type { CheckResult, Verdict } from './core/verdict.ts';
export type { Report } from './report/report.ts';
export { type EmulatorTargetOptions, emulatorTarget, gatewayTarget, type Scale } from './targets/emulator.ts';
export type { Declared, Target } from './targets/target.ts';
export { type EndpointOptions, endpointTarget } from './targets/target.ts';
