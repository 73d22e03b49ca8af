# Two images from one file: the router (the last stage, so the default) and, as target `simulator`, a vLLM server without a model.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# xxhash-addon brings its binaries along, so nothing is compiled and no package runs a script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts


FROM node:24-bookworm-slim AS simulator
WORKDIR /app
COPY package.json ./
COPY bench/simulator bench/simulator
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bench/simulator/main.ts", "--host", "0.0.0.0", "--port", "8000"]


FROM node:24-bookworm-slim AS router
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY config/warmroute.yaml config/warmroute.yaml
COPY src src
# Needs nothing that a process could be denied: no capability, no writable file, no shell, no init in front of it.
USER 65532:65532
EXPOSE 8081 8080
# Alive, not ready: a router whose endpoints are all gone must not be restarted for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9901/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No debugger: not by a signal, and not by a variable, which could also load anything else into the process.
ENTRYPOINT ["env", "-u", "NODE_OPTIONS", "node", "--disable-sigusr1", "/app/src/main.ts"]
CMD ["serve", "--config", "/app/config/warmroute.yaml"]
