export const ROLLBACK = {} as const;
