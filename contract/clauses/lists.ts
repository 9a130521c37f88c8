export const LISTS = {} as const;
