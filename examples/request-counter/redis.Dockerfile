# For those who build with Docker. `cyan delivery run` builds Go programs by itself and needs no Docker.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /redis ./cmd/redis

FROM scratch
COPY --from=build /redis /redis
ENTRYPOINT ["/redis"]
