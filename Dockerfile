FROM python:3.13-slim
WORKDIR /app
RUN useradd --create-home onerecord && mkdir /data && chown onerecord /data && pip install --no-cache-dir uv
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN uv pip install --system --no-cache --require-hashes -r requirements.lock
COPY hub hub
COPY connectors connectors
COPY dedup dedup
COPY quality_checks quality_checks
COPY orchestration orchestration
RUN uv pip install --system --no-cache --no-deps -e .
USER onerecord
