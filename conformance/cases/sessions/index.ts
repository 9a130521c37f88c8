import type { Case } from '../../core/case.ts';
import { sessionsCapacity, sessionsRace } from './capacity.ts';
import { sessionsCreate, sessionsFields, sessionsFirstMessages } from './create.ts';
import { sessionsDelete, sessionsDeletedRoutes, sessionsIds } from './delete.ts';
import { sessionsBadFields, sessionsMetadata } from './fields.ts';
import { sessionsLimits } from './limits.ts';
import { sessionsModel } from './model.ts';
import { sessionsChatUnknown, sessionsHostedAgents, sessionsIndependent, sessionsUnknown } from './unknown.ts';
import { sessionsTools, sessionsUpdate } from './update.ts';

export const SESSIONS_CASES: readonly Case[] = [
  sessionsCreate,
  sessionsFields,
  sessionsFirstMessages,
  sessionsModel,
  sessionsLimits,
  sessionsUpdate,
  sessionsTools,
  sessionsMetadata,
  sessionsBadFields,
  sessionsUnknown,
  sessionsChatUnknown,
  sessionsIndependent,
  sessionsHostedAgents,
  sessionsIds,
  sessionsDelete,
  ...sessionsDeletedRoutes,
  sessionsCapacity,
  sessionsRace,
];
