export const TOKENS = {} as const;
