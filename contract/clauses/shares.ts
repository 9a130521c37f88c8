export const SHARES = {} as const;
