# The dashboard, then the binary, then an image that holds the binary and nothing to break into.

FROM node:20-bookworm-slim AS dashboard
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ui/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY ui/ ./
RUN npm run build

FROM golang:1.27-bookworm AS binary
ENV CGO_ENABLED=0 GOTOOLCHAIN=auto
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=dashboard /src/ui/dist ui/dist
ARG VERSION=image
RUN go build -trimpath -ldflags "-s -w -X main.built=${VERSION}" -o /pocketline . \
 && mkdir -p /root-fs/data /root-fs/tmp /root-fs/etc/ssl/certs \
 && echo 'pocketline:x:10001:10001::/data:/nologin' > /root-fs/etc/passwd \
 && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ \
 && mv /pocketline /root-fs/ \
 && chown 10001:10001 /root-fs/data && chmod 0700 /root-fs/data && chmod 1777 /root-fs/tmp

# Zone files are in the binary. There is no shell: health checks run the binary itself.
FROM scratch
COPY --from=binary /root-fs/ /
USER 10001:10001
ENV POCKETLINE_DATA_DIR=/data/pb_data POCKETLINE_HTTP_ADDR=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["/pocketline", "health"]
ENTRYPOINT ["/pocketline"]
CMD ["serve"]
