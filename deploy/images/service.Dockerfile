# One image per service: docker build -f deploy/images/service.Dockerfile --build-arg SERVICE=audit .
# What scores claims needs LIBRARIES=audit as well; what only serves does without.
FROM python:3.11-slim AS libraries
ARG LIBRARIES=service
WORKDIR /app
COPY requirements/bootstrap.txt requirements/${LIBRARIES}.txt requirements/
RUN python -m venv /app/.venv \
    && /app/.venv/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && VIRTUAL_ENV=/app/.venv /app/.venv/bin/uv pip install --no-cache --compile-bytecode \
        --require-hashes -r requirements/${LIBRARIES}.txt

FROM python:3.11-slim
ARG SERVICE
ENV SERVICE=${SERVICE} PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 TZ=UTC
RUN useradd --system --uid 10001 agency && mkdir /anchors && chown agency /anchors
WORKDIR /app
COPY --from=libraries /app/.venv .venv
COPY shared shared
COPY services/__init__.py services/
COPY services/${SERVICE} services/${SERVICE}
# The frozen calls, which the description shows as examples: services/${SERVICE}/api/examples.
COPY tests/contracts/rest/${SERVICE} tests/contracts/rest/${SERVICE}
RUN python -m compileall -q shared services
USER agency
EXPOSE 8000
# Not a shell's child: SIGTERM must reach the service, which then drains.
CMD ["sh", "-c", "exec python -m services.$SERVICE serve"]
