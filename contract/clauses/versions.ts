export const VERSIONS = {} as const;
