export const IDEMPOTENCY = {} as const;
