# Images of the operator and the aggregator; docker-compose.yml uses them.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release --bin avs-operator --bin aggregator --bin auditor

FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home quorate \
    && install -d -o quorate -m 700 /var/lib/quorate /var/lib/quorate-ledger /var/lib/quorate-aggregator
USER quorate

FROM base AS avs-operator
COPY --from=build /src/target/release/avs-operator /src/target/release/auditor /usr/local/bin/
ENTRYPOINT ["avs-operator"]

FROM base AS aggregator
COPY --from=build /src/target/release/aggregator /usr/local/bin/
ENTRYPOINT ["aggregator"]
