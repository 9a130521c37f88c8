export const COMPRESS = {} as const;
