# Build arguments: TORCH=cpu|cuda and TORCH_INDEX_URL, as for `make setup` (scripts/install-torch); PYTHON_IMAGE, which a
# release names with its digest (scripts/release).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM $PYTHON_IMAGE AS build
ARG TORCH=cpu
ARG TORCH_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/palate
COPY scripts/install-torch requirements.lock ./
RUN TORCH=$TORCH TORCH_INDEX_URL=$TORCH_INDEX_URL ./install-torch python -m pip --python /opt/palate/bin/python
RUN python -m pip --python /opt/palate/bin/python install --quiet --require-hashes -r requirements.lock
# What only compilers and tests of those libraries use.
RUN cd /opt/palate/lib/python3*/site-packages \
    && rm -rf torch/include torch/share torch/test pyarrow/include pyarrow/tests \
    && find . -path ./torch -prune -o -type d -name tests -prune -exec rm -rf {} + \
    && find . -name '*.pyx' -delete -o -name '*.pxd' -delete -o -name '*.a' -delete
COPY pyproject.toml README.md ./
COPY app app
COPY models models
COPY migrations migrations
RUN python -m pip --python /opt/palate/bin/python install --quiet --no-deps --no-build-isolation . \
    && PALATE_DATABASE_URL=sqlite:////tmp/check.db /opt/palate/bin/palate migrate \
    && /opt/palate/bin/python -c 'import app.main, app.worker'

FROM $PYTHON_IMAGE
# pg_dump and pg_restore, for `palate backup`; of the version of the compose file's PostgreSQL
RUN apt-get update -q && apt-get install -y -q --no-install-recommends postgresql-client-15 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent palate \
    && install -d -o palate -g palate /var/lib/palate /var/lib/palate/models /var/lib/palate/keys
COPY --from=build /opt/palate /opt/palate
ENV PATH=/opt/palate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PALATE_HOST=0.0.0.0 \
    PALATE_PORT=8000 \
    PALATE_DATABASE_URL=sqlite:////var/lib/palate/palate.db \
    PALATE_MODEL_STORE=/var/lib/palate/models
USER palate
WORKDIR /var/lib/palate
EXPOSE 8000
STOPSIGNAL SIGTERM
# Asks whether the process lives: a database that is away is no fault of it.
COPY scripts/healthy /usr/local/bin/healthy
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=5 CMD ["healthy"]
ENTRYPOINT ["palate"]
CMD ["serve"]
