# Small and without root; the store lies in /data. `docker build -t wiretrace .`
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY crawler ./crawler
COPY migrations ./migrations
COPY config ./config
RUN python -m venv /opt/wiretrace \
 && /opt/wiretrace/bin/pip install --no-cache-dir ".[postgres]"

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /data wiretrace
COPY --from=build /opt/wiretrace /opt/wiretrace
ENV PATH=/opt/wiretrace/bin:$PATH \
    PYTHONUNBUFFERED=1
USER wiretrace
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
# Healthy means that the store answers; a container without a daemon (a job, a shell) is healthy as well.
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s --retries=3 CMD ["wiretrace", "-q", "status", "--json"]
ENTRYPOINT ["wiretrace"]
CMD ["run"]
