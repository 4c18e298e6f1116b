# Build arguments: TORCH=cpu|cuda and TORCH_INDEX_URL, as for `make setup` (scripts/install-torch).

FROM python:3.11-slim-bookworm AS build
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

FROM python:3.11-slim-bookworm
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
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=5 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PALATE_PORT'] + '/health/ready', timeout=4)"]
ENTRYPOINT ["palate"]
CMD ["serve"]
