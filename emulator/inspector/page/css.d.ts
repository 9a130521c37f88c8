/** Style sheets are bundled by `build.ts`. */
declare module '*.css';
