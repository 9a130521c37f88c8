import type { Case } from '../../core/case.ts';
import { versionsChanges, versionsReads, versionsStreamedChat } from './changes.ts';
import { versionsCompressions, versionsNoOps, versionsTruncations } from './no-ops.ts';
import { versionsBusy, versionsOrder } from './order.ts';
import { versionsEnvelope, versionsHeaders } from './refusals.ts';

export const VERSIONS_CASES: readonly Case[] = [
  ...versionsChanges,
  versionsStreamedChat,
  versionsReads,
  versionsNoOps,
  versionsTruncations,
  versionsCompressions,
  versionsOrder,
  versionsBusy,
  versionsEnvelope,
  versionsHeaders,
];
