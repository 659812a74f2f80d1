# One image for every service of docker-compose.yaml. Built from the hashed lock; runs without root on a read-only root.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/fazhi
COPY requirements.runtime.lock ./
# the lock is complete: nothing is left for pip to resolve, and an older pip would look at releases that are not in it
# the secret "ca" is for networks with a certificate authority of their own; it stays in no layer
RUN --mount=type=secret,id=ca,target=/run/ca.crt \
    if [ -s /run/ca.crt ]; then export PIP_CERT=/run/ca.crt; fi; \
    python -m venv /opt/venv \
    && /opt/venv/bin/pip install --quiet --no-deps --require-hashes -r requirements.runtime.lock \
    && /opt/venv/bin/pip check
COPY pyproject.toml README.md ./
COPY include include
# editable: the package finds its data (editions, registry, suites) beside itself
RUN /opt/venv/bin/pip install --quiet --no-deps --no-build-isolation --no-index -e . \
    && /opt/venv/bin/python -m compileall -q include

FROM ${PYTHON_IMAGE}
# pg_dump and pg_restore of the major version that docker-compose.yaml runs, for `fazhi store backup` and `restore`
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends postgresql-client-15 >/dev/null \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 50000 fazhi && useradd --uid 50000 --gid 50000 --home-dir /var/lib/airflow --no-create-home fazhi \
    && install -d -o fazhi -g fazhi /var/lib/airflow /var/log/airflow /srv/raw /srv/inbox /srv/ground /srv/reports /srv/sandbox
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/fazhi /srv/fazhi
COPY dags /srv/fazhi/dags
COPY plugins /srv/fazhi/plugins
COPY great_expectations /srv/fazhi/great_expectations
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TZ=Asia/Shanghai \
    AIRFLOW_HOME=/var/lib/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/srv/fazhi/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/srv/fazhi/plugins \
    FAZHI_ROOT=/srv/fazhi
WORKDIR /srv/fazhi
USER 50000:50000
CMD ["airflow", "version"]
