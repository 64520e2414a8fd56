# The server in an image without a shell: one binary, certificates, and a user that is not root.
#   docker build -t tollgate .
# See docs/operations.md, "Containers".

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin tollgate \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/tollgate /usr/bin/tollgate
COPY --from=build --chown=nonroot:nonroot /data /data
# Other machines can reach it: without a certificate (TOLLGATE_TLS_CERTIFICATE, TOLLGATE_TLS_KEY)
# it starts only with TOLLGATE_INSECURE=true, for networks that are private.
ENV TOLLGATE_LISTEN=0.0.0.0:50051 \
    TOLLGATE_AUTH=required \
    TOLLGATE_DATABASE=sqlite:/data/tollgate.db \
    TOLLGATE_CREATE=true
VOLUME /data
EXPOSE 50051
USER nonroot
# With TLS: TOLLGATE_ADDRESS=https://NAME:50051, or a command of your own with --ca.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/bin/tollgate", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tollgate"]
CMD ["serve"]
