# The broker with its configuration inside, so that no file has to be mounted: needs NATS_PASSWORD and a volume on /data.
FROM nats:2.15-alpine
COPY deploy/compose/nats.conf /etc/nats/nats.conf
COPY deploy/compose/nats.sh /usr/local/bin/nats.sh
EXPOSE 4222 8222
# SIGTERM would do as well, but ends with exit code 1; this lets clients move on first.
STOPSIGNAL SIGUSR2
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8222/healthz?js-server-only=true"]
ENTRYPOINT ["/bin/sh", "/usr/local/bin/nats.sh"]
CMD ["--config", "/etc/nats/nats.conf"]
