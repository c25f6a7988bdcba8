# Image of a service. In the root of the repository, for example:
#   docker build -f deploy/docker/service.Dockerfile --build-arg NAME=auth .
# NAME           service, as in the mesh: auth, emoji-catalog, ranking, inference
# FOLDER         its folder below services/, if it has another name
# ASSETS         folder of assets/build that it needs: templates (emoji-catalog) or models (inference)
# PYCACHE        where Python writes byte code; empty: it is compiled into the image
# Base images by tag; a release pins them by digest (deploy/images/bases.py).
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm
FROM ${PYTHON} AS build
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
COPY deploy/images/uv.txt /uv.txt
RUN python3 -m venv /uv && /uv/bin/pip install --no-cache-dir --require-hashes -r /uv.txt
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY protos protos
COPY libs libs
# Stubs and descriptors from the contract; the generators stay in this stage.
RUN UV_PROJECT_ENVIRONMENT=/contract /uv/bin/uv sync --frozen --only-group build \
    && /contract/bin/python libs/protos/generate

FROM build AS assets
ARG ASSETS=""
COPY assets assets
# Without ASSETS the folder stays empty. With them, their licenses are in NOTICE.
RUN mkdir /shipped \
    && if [ -n "${ASSETS}" ]; then \
        UV_PROJECT_ENVIRONMENT=/tools /uv/bin/uv sync --frozen --only-group assets \
        && /tools/bin/python assets/build.py \
        && mkdir /shipped/assets /shipped/licenses \
        && cp -r "assets/build/${ASSETS}" /shipped/assets/ \
        && cp assets/NOTICE /shipped/licenses/; \
    fi

FROM build AS service
ARG NAME
ARG FOLDER=${NAME}
ARG PYCACHE=""
COPY services/${FOLDER} services/${FOLDER}
# The entrypoint can't contain a variable: a link has the same name in every image.
RUN if [ -z "${PYCACHE}" ]; then export UV_COMPILE_BYTECODE=1; fi \
    && UV_PROJECT_ENVIRONMENT=/app /uv/bin/uv sync --frozen --no-dev --no-editable --package "igemoji-${NAME}" \
    && ln -s "igemoji-${NAME}" /app/bin/service
COPY deploy/images/slim.py .
RUN python3 slim.py /app

FROM ${PYTHON}
ARG NAME
ARG PYCACHE=""
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="igemoji-${NAME}" \
      org.opencontainers.image.description="IGE MOJI, service ${NAME}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY LICENSE /licenses/LICENSE
COPY --from=assets /shipped /
COPY --from=service /app /app
# The root file system may be read-only: everything is written to /tmp, and embedded backends to /data.
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONPYCACHEPREFIX=${PYCACHE} \
    VERSION=${VERSION} \
    LISTEN=0.0.0.0:50051 \
    HEALTH_LISTEN=0.0.0.0:50052 \
    METRICS_LISTEN=0.0.0.0:9090 \
    TLS_CERT=/tls/tls.crt \
    TLS_KEY=/tls/tls.key \
    TLS_CA=/tls/ca.crt \
    BUILTIN_DIR=/assets/templates \
    MODELS_DIR=/assets/models \
    DATA_DIR=/data
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
USER 10001:10001
EXPOSE 50051 50052 9090
ENTRYPOINT ["service"]
