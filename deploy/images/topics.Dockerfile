# The job that creates the topics of deploy/topics.toml.
FROM python:3.11-slim
WORKDIR /app
COPY requirements/bootstrap.txt requirements/service.txt requirements/
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && VIRTUAL_ENV=/app/.venv .venv/bin/uv pip install --no-cache --require-hashes \
        -r requirements/service.txt
COPY deploy/__init__.py deploy/topics.py deploy/topics.toml deploy/
CMD [".venv/bin/python", "-m", "deploy.topics"]
