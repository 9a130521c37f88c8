# docker build -t kimi-emulator . && docker run --rm -p 127.0.0.1:4100:4100 -v kimi-emulator:/data kimi-emulator
# Flags and commands follow: `… kimi-emulator --rate-tier 1`, `… kimi-emulator gateway --upstream https://api.moonshot.ai/v1`.
FROM node:22-bookworm AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Compiled from source, so that the image needs no download besides the registry.
RUN npm_config_build_from_source=true npm ci
COPY . .
RUN npm run build && npm prune --omit=dev
# What better-sqlite3 was compiled from is three times as large as what it needs to run.
RUN cd node_modules/better-sqlite3 && mv build/Release/better_sqlite3.node . && rm -rf build deps src && mkdir build && mv better_sqlite3.node build/

FROM node:22-bookworm-slim
# Without the threshold, the allocator keeps some 50 MiB behind bodies of 64 MiB (bench/bodies.ts).
ENV MALLOC_TRIM_THRESHOLD_=131072
# The parsed vocabulary, and Kimi's own once it is installed, stay in the volume.
ENV NODE_ENV=production XDG_CACHE_HOME=/data/cache XDG_DATA_HOME=/data/share
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
RUN mkdir /data && chown node:node /data
# A configuration, not a CMD, which flags behind the image's name would replace. Other containers ask for the emulator by the name of
# its service, a container by that of its host.
RUN echo '{"host":"0.0.0.0","port":4100,"database":"/data/state.db","allowedHosts":["kimi-emulator","host.docker.internal"]}' > kimi-emulator.config.json
USER node
VOLUME /data
EXPOSE 4100
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:4100/_emulator/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/emulator/cli/main.js"]
