export const ERRORS = {} as const;
