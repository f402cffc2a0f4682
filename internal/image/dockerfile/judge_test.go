package dockerfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// inputs are what an image is built from, on one line.
func inputs(i *Image) string {
	p := i.Program
	var steps []string
	for _, s := range p.Steps {
		if len(s.Sources) > 0 {
			steps = append(steps, strings.Join(s.Sources, "+")+">"+s.Dest)
		}
	}
	vars := slices.DeleteFunc(slices.Clone(p.Env), func(v string) bool {
		return v == "GOOS=linux" || v == "GOARCH=amd64" || v == "CGO_ENABLED=0"
	})
	text := fmt.Sprintf("%s in %s: %s go build %s -o %s %s", strings.Join(steps, " "), p.Dir, strings.Join(vars, " "), strings.Join(p.Flags, " "), p.Output, strings.Join(p.Packages, " "))
	if p.CgoByDefault {
		text += " unless cgo"
	}
	return strings.Join(strings.Fields(text), " ")
}

const (
	// head and tail are the lines round the one that a row is about.
	head = "FROM golang:1.26 AS b\nENV CGO_ENABLED=0\nWORKDIR /src\n"
	tail = "\nFROM scratch\nCOPY --from=b /app /app\n"
	all  = head + "COPY . .\n"
)

// Each row: a Dockerfile → it is built in this process from these inputs, or it takes a container because of this.
func TestWhatIsBuiltInProcess(t *testing.T) {
	for _, c := range []struct {
		name, file string
		args       map[string]string
		platform   string
		inputs     string
		because    string
	}{
		{name: "all of the context", file: all + "RUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "a folder of the context", file: head + "COPY cmd/api/ ./\nRUN go build -o /app ." + tail, inputs: "cmd/api>/src/ in /src: go build -o /app ."},
		{name: "some files of the context", file: head + "COPY go.mod main.go ./\nRUN go build -o /app ." + tail, inputs: "go.mod+main.go>/src/ in /src: go build -o /app ."},
		{name: "a list in brackets", file: head + "COPY [\"go.mod\", \"main.go\", \"./\"]\nRUN go build -o /app ." + tail, inputs: "go.mod+main.go>/src/ in /src: go build -o /app ."},
		{name: "modules first", file: head + "COPY go.mod go.sum ./\nRUN go mod download && go mod verify\nCOPY . .\nRUN go build -o /app ." + tail, inputs: "go.mod+go.sum>/src/ >/src/ in /src: go build -o /app ."},
		{name: "several sources without a slash", file: head + "COPY a b c\nRUN go build -o /app ." + tail, because: "line 4: copies several sources to c"},
		{name: "sources above the context are clamped", file: head + "COPY ../../x ./\nRUN go build -o /app ." + tail, inputs: "x>/src/ in /src: go build -o /app ."},
		{name: "an added folder", file: head + "ADD . .\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "an added URL", file: head + "ADD https://example.com/x.tar /src/\nRUN go build -o /app ." + tail, because: "adds https://example.com/x.tar"},
		{name: "an added repository", file: head + "ADD git@example.com:x.git /src/\nRUN go build -o /app ." + tail, because: "adds git@example.com"},
		{name: "copied with another mode", file: head + "COPY --chmod=000 . .\nRUN go build -o /app ." + tail, because: "flag that is not followed"},
		{name: "copied but for some", file: "# syntax=docker/dockerfile:1\n" + head + "COPY --exclude=*_prod.go . .\nRUN go build -o /app ." + tail, because: "flag that is not followed"},
		{name: "copied for another owner", file: head + "COPY --chown=1000:1000 . .\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "copied from an image", file: head + "COPY --from=node:22 /dist ./dist\nRUN go build -o /app ." + tail, because: "copies from another stage or image"},
		{name: "copied from a text", file: head + "COPY <<E main.go\npackage main\nE\nRUN go build -o /app ." + tail, because: "here-document"},
		{name: "copied too late", file: all + "RUN go build -o /app .\nCOPY other.go /app" + tail, because: "copies after go build"},

		{name: "a build tag in GOFLAGS", file: all + "ENV GOFLAGS=-tags=prod\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GOFLAGS=-tags=prod go build -o /app ."},
		{name: "GOFLAGS as an argument", file: all + "ARG GOFLAGS=-tags=prod\nRUN go build -o /app ." + tail, args: map[string]string{"GOFLAGS": "-tags=test"}, inputs: ">/src/ in /src: GOFLAGS=-tags=test go build -o /app ."},
		{name: "GOFLAGS before the command", file: all + "RUN GOFLAGS=-mod=vendor go build -o /app ." + tail, inputs: ">/src/ in /src: GOFLAGS=-mod=vendor go build -o /app ."},
		{name: "an overlay in GOFLAGS", file: all + "ENV GOFLAGS=-overlay=/x.json\nRUN go build -o /app ." + tail, because: "sets GOFLAGS=-overlay=/x.json"},
		{name: "GOFLAGS set after the compiler ran", file: all + "RUN go build -o /app .\nENV GOFLAGS=-tags=prod" + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "an experiment", file: all + "ENV GOEXPERIMENT=jsonv2\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GOEXPERIMENT=jsonv2 go build -o /app ."},
		{name: "another processor", file: all + "RUN GOOS=linux GOARCH=arm64 go build -o /app ." + tail, inputs: ">/src/ in /src: GOARCH=arm64 go build -o /app ."},
		{name: "another level of the processor", file: all + "ENV GOAMD64=v3\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GOAMD64=v3 go build -o /app ."},
		{name: "another system", file: all + "RUN GOOS=windows go build -o /app ." + tail, inputs: ">/src/ in /src: GOOS=windows go build -o /app ."},
		{name: "the target's processor", file: "FROM --platform=$BUILDPLATFORM golang AS b\nENV CGO_ENABLED=0\nWORKDIR /src\nCOPY . .\nARG TARGETOS TARGETARCH\nRUN GOOS=$TARGETOS GOARCH=${TARGETARCH} go build -o /app ." + tail, platform: "linux/arm64", inputs: ">/src/ in /src: GOARCH=arm64 go build -o /app ."},
		{name: "the builder's processor", file: "FROM --platform=$BUILDPLATFORM golang AS b\nENV CGO_ENABLED=0\nWORKDIR /src\nCOPY . .\nRUN go build -o /app ." + tail, platform: "linux/arm64", inputs: ">/src/ in /src: go build -o /app ."},
		{name: "the target's processor by the image", file: all + "RUN go build -o /app ." + tail, platform: "linux/arm64", inputs: ">/src/ in /src: GOARCH=arm64 go build -o /app ."},
		{name: "TARGETARCH that is not declared", file: all + "RUN GOARCH=$TARGETARCH go build -o /app ." + tail, because: "variable TARGETARCH, which no line sets"},
		{name: "arm without its version", file: all + "RUN go build -o /app ." + tail, platform: "linux/arm/v7", because: "for arm without GOARM"},
		{name: "arm with its version", file: all + "RUN GOARM=7 go build -o /app ." + tail, platform: "linux/arm/v7", inputs: ">/src/ in /src: GOARCH=arm GOARM=7 go build -o /app ."},
		{name: "cgo", file: all + "RUN CGO_ENABLED=1 go build -o /app ." + tail, because: "sets CGO_ENABLED=1"},
		{name: "cgo by default", file: "FROM golang AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app . unless cgo"},
		{name: "no C compiler in the image", file: "FROM golang:1.26-alpine3.22 AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "flags for C", file: all + "ENV CGO_CFLAGS=-DX\nRUN go build -o /app ." + tail, because: "sets CGO_CFLAGS=-DX"},
		{name: "another proxy", file: all + "ENV GOPROXY=https://proxy.example,direct GOPRIVATE=x\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GOPRIVATE=x GOPROXY=https://proxy.example,direct go build -o /app ."},
		{name: "no modules", file: all + "ENV GO111MODULE=off\nRUN go build -o /app ." + tail, because: "sets GO111MODULE=off"},
		{name: "modules", file: all + "ENV GO111MODULE=on\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GO111MODULE=on go build -o /app ."},
		{name: "a variable of the toolchain that is not known", file: all + "ENV GOFIPS140=latest\nRUN go build -o /app ." + tail, because: "sets GOFIPS140=latest"},
		{name: "another path", file: all + "ENV PATH=/opt/go/bin\nRUN go build -o /app ." + tail, because: "sets PATH=/opt/go/bin"},
		{name: "a variable that nothing reads", file: all + "ENV APP_MODE=fast\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "set by ARG and ENV", file: all + "ARG GOOS=linux\nENV GOOS=windows\nRUN go build -o /app ." + tail, because: "sets GOOS by ARG and by ENV"},

		{name: "another folder", file: all + "WORKDIR /src/cmd/app\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src/cmd/app: go build -o /app ."},
		{name: "a folder below", file: all + "WORKDIR cmd/app\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src/cmd/app: go build -o /app ."},
		{name: "a folder by a variable", file: all + "ARG D=cmd/app\nWORKDIR $D\nRUN go build -o /app ." + tail, args: map[string]string{"D": "cmd/b"}, inputs: ">/src/ in /src/cmd/b: go build -o /app ."},
		{name: "a folder of GOPATH", file: "FROM golang AS b\nENV CGO_ENABLED=0\nWORKDIR $GOPATH/src/app\nCOPY . .\nRUN go build -o /app ." + tail, inputs: ">/go/src/app/ in /go/src/app: go build -o /app ."},
		{name: "cd", file: all + "RUN cd cmd/app && go build -o /app ." + tail, because: "runs cd cmd/app"},
		{name: "mkdir", file: all + "RUN mkdir -p /out && go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "another user", file: all + "USER nobody\nRUN go build -o /app ." + tail, because: "compiles as the user nobody"},
		{name: "root", file: all + "USER root\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "another shell", file: all + "SHELL [\"/bin/bash\", \"-c\"]\nRUN go build -o /app ." + tail, because: "has SHELL"},
		{name: "a trigger", file: all + "ONBUILD RUN x\nRUN go build -o /app ." + tail, because: "has ONBUILD"},
		{name: "a volume", file: all + "VOLUME /src\nRUN go build -o /app ." + tail, because: "has VOLUME"},

		{name: "tags and linker flags", file: all + "ARG V=1\nRUN go build -trimpath -tags prod,x -ldflags=\"-s -w -X main.v=$V -X 'main.w=a b'\" -o /app ./cmd/app" + tail, inputs: ">/src/ in /src: go build -trimpath -tags=prod,x -ldflags=-s -w -X main.v=1 -X 'main.w=a b' -o /app ./cmd/app"},
		{name: "static linking", file: all + "RUN go build -a -installsuffix cgo -ldflags '-extldflags \"-static\"' -o /app ." + tail, inputs: ">/src/ in /src: go build -installsuffix=cgo -ldflags=-extldflags \"-static\" -o /app ."},
		{name: "external linking", file: all + "RUN go build -ldflags '-linkmode external' -o /app ." + tail, because: "-ldflags=-linkmode external"},
		{name: "a file as the package", file: all + "RUN go build -o /app main.go other.go" + tail, inputs: ">/src/ in /src: go build -o /app main.go other.go"},
		{name: "a program in its own list", file: all + "RUN [\"go\", \"build\", \"-o\", \"/app\", \"$x\"]" + tail, because: "builds the package $x"},
		{name: "no shell", file: all + "RUN [\"go\", \"build\", \"-o\", \"/app\", \".\"]" + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "a name that go chooses", file: all + "RUN go build -o /app/ ." + tail, because: "choose the name"},
		{name: "no name", file: all + "RUN go build ." + tail, because: "without -o"},
		{name: "a name below", file: all + "RUN go build -o bin/app .\nFROM scratch\nCOPY --from=b /src/bin/app /app\n", inputs: ">/src/ in /src: go build -o /src/bin/app ."},
		{name: "several commands", file: all + "RUN apt-get update && go build -o /app ." + tail, because: "line 5: runs apt-get update"},
		{name: "generated code", file: all + "RUN go generate ./... && go build -o /app ." + tail, because: "runs go generate"},
		{name: "tests first", file: all + "RUN go test ./... && go build -o /app ." + tail, because: "runs go test"},
		{name: "a substitution", file: all + "RUN go build -ldflags \"-X main.v=$(git describe)\" -o /app ." + tail, because: "runs a shell"},
		{name: "a list of commands", file: all + "RUN go build -o /app . ; true" + tail, because: "runs a shell"},
		{name: "an argument without a value", file: all + "ARG V\nRUN go build -ldflags \"-X main.v=$V\" -o /app ." + tail, because: "variable V, which no line sets"},
		{name: "an argument that is a shell's", file: all + "ARG V='a;b'\nRUN go build -ldflags \"-X main.v=$V\" -o /app ." + tail, because: "needs a shell for the value of V"},
		{name: "the package by an argument", file: all + "ARG P=./cmd/x\nRUN go build -o /app $P" + tail, inputs: ">/src/ in /src: go build -o /app ./cmd/x"},
		{name: "the race detector", file: all + "RUN go build -race -o /app ." + tail, because: "-race"},
		{name: "another compiler", file: all + "RUN go build -toolexec=evil -o /app ." + tail, because: "-toolexec"},
		{name: "another folder by a flag", file: all + "RUN go build -C cmd/app -o /app ." + tail, because: "-C"},
		{name: "the revision", file: all + "RUN go build -buildvcs=true -o /app ." + tail, because: "-buildvcs=true"},
		{name: "a second program", file: all + "RUN go build -o /app ./a && go build -o /b ./b" + tail, because: "second program"},
		{name: "another module's package", file: all + "RUN go build -o /app example.com/other" + tail, because: "builds the package example.com/other"},
		{name: "a switch that is given its value", file: all + "RUN go build -trimpath=true -o /app ." + tail, inputs: ">/src/ in /src: go build -trimpath -o /app ."},
		{name: "a switch that is switched off", file: all + "RUN go build -trimpath=false -o /app ." + tail, because: "-trimpath=false"},
		{name: "linker flags with an equals sign", file: all + "RUN go build -ldflags='-X=main.v=1 -buildid=' -o /app ." + tail, inputs: ">/src/ in /src: go build -ldflags=-X=main.v=1 -buildid= -o /app ."},
		{name: "linker flags with a word that is none", file: all + "RUN go build -ldflags='-s main.v=1' -o /app ." + tail, because: "-ldflags=-s main.v=1"},
		{name: "GOFLAGS with a quote that does not end", file: all + "ENV GOFLAGS=\"'-tags=a\"\nRUN go build -o /app ." + tail, because: "sets GOFLAGS='-tags=a"},
		{name: "GOFLAGS with several flags in quotes", file: all + "ENV GOFLAGS=\"'-tags=a b' -trimpath\"\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GOFLAGS='-tags=a b' -trimpath go build -o /app ."},
		{name: "GOFLAGS that names the output", file: all + "ENV GOFLAGS=-o=/x\nRUN go build -o /app ." + tail, because: "sets GOFLAGS=-o=/x"},
		{name: "a file above the folder", file: all + "RUN go build -o /app ../main.go" + tail, because: "builds the package ../main.go"},
		{name: "a package above the folder", file: all + "RUN go build -o /app ./../x" + tail, because: "builds the package ./../x"},
		{name: "all packages", file: all + "RUN go build -o /app ./..." + tail, because: "builds the package ./..."},
		{name: "a file and a package", file: all + "RUN go build -o /app main.go ./x" + tail, because: "builds several packages"},
		{name: "a flag behind the package", file: all + "RUN go build -o /app . -v" + tail, because: "behind the package"},
		{name: "mkdir with a mode", file: all + "RUN mkdir -m 700 /x && go build -o /app ." + tail, because: "runs mkdir -m"},
		{name: "copied to the folder above", file: head + "COPY main.go ..\nRUN go build -o /app ." + tail, inputs: "main.go>/ in /src: go build -o /app ."},
		{name: "copied to a folder by its dot", file: head + "COPY a b x/.\nRUN go build -o /app ." + tail, inputs: "a+b>/src/x/ in /src: go build -o /app ."},
		{name: "a cache", file: all + "RUN --mount=type=cache,target=/root/.cache/go-build --mount=type=cache,target=/go/pkg/mod go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "a cache over the sources", file: all + "RUN --mount=type=cache,target=/src go build -o /app ." + tail, because: "mounts cache on /src"},
		{name: "a mounted context", file: head + "RUN --mount=type=bind,target=. go build -o /app ." + tail, because: "mounts bind"},
		{name: "a secret", file: all + "RUN --mount=type=secret,id=x go build -o /app ." + tail, because: "mounts secret"},
		{name: "no network", file: all + "RUN --network=none go build -o /app ." + tail, because: "runs with --network"},
		{name: "a script", file: all + "RUN <<E\ngo build -o /app .\nE" + tail, because: "here-document"},

		{name: "another toolchain", file: strings.Replace(all, "1.26", "1.22", 1) + "RUN go build -o /app ." + tail, because: "line 1: compiles with Go 1.22, and go1.26.8 is installed here"},
		{name: "another patch of the toolchain", file: strings.Replace(all, "1.26", "1.26.3-alpine", 1) + "RUN go build -o /app ." + tail, because: "compiles with Go 1.26.3"},
		{name: "1.2 is not 1.26", file: strings.Replace(all, "1.26", "1.2", 1) + "RUN go build -o /app ." + tail, because: "compiles with Go 1.2"},
		{name: "the toolchain by an argument", file: "ARG GO=1.22\n" + strings.Replace(all, "1.26", "${GO}", 1) + "RUN go build -o /app ." + tail, args: map[string]string{"GO": "1.26.8"}, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "the toolchain by its digest", file: strings.Replace(all, ":1.26", "@sha256:"+strings.Repeat("0", 64), 1) + "RUN go build -o /app ." + tail, because: "names no version"},
		{name: "a toolchain of somebody's", file: strings.Replace(all, "golang:1.26", "registry.example/golang:1.26", 1) + "RUN go build -o /app ." + tail, because: "not known to hold just the Go toolchain"},
		{name: "another image", file: strings.Replace(all, "golang:1.26", "debian:12", 1) + "RUN go build -o /app ." + tail, because: "not known to hold just the Go toolchain"},
		{name: "a stage on a stage", file: "FROM golang AS base\nENV CGO_ENABLED=0 GOFLAGS=-tags=prod\nARG V=1\nWORKDIR /src\nFROM base AS b\nCOPY . .\nRUN go build -o /app ." + tail, inputs: ">/src/ in /src: GOFLAGS=-tags=prod go build -o /app ."},
		{name: "arguments count for one stage", file: "FROM golang AS base\nENV CGO_ENABLED=0\nARG V=1\nWORKDIR /src\nFROM base AS b\nCOPY . .\nRUN go build -o /app ./$V" + tail, because: "variable V, which no line sets"},
		{name: "a stage that is not used", file: "FROM node AS web\nRUN npm ci\n" + all + "RUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "two stages of one name", file: "FROM node AS b\n" + all + "RUN go build -o /app ." + tail, because: "two stages b"},
		{name: "a stage by its number", file: strings.Replace(all, " AS b", "", 1) + "RUN go build -o /app .\nFROM scratch\nCOPY --from=0 /app /app\n", inputs: ">/src/ in /src: go build -o /app ."},
		{name: "a stage that comes later", file: "FROM scratch\nCOPY --from=b /app /app\n" + all + "RUN go build -o /app .", because: "no stage that runs go build"},
		{name: "one stage", file: all + "RUN go build -o /app .\nCMD [\"/app\"]\n", because: "no stage that runs go build"},

		{name: "another frontend", file: "# syntax=example.com/frontend:1\n" + all + "RUN go build -o /app ." + tail, because: "syntax example.com/frontend:1"},
		{name: "a frontend that is tried out", file: "# syntax=docker/dockerfile:1-labs\n" + all + "RUN go build -o /app ." + tail, because: "syntax docker/dockerfile:1-labs"},
		{name: "Docker's frontend", file: "# syntax=docker/dockerfile:1.7\n" + all + "RUN go build -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "checks that refuse", file: "# check=error=true\n" + all + "RUN go build -o /app ." + tail, because: "check=error=true"},
		{name: "another escape", file: "# escape=`\n" + all + "RUN go build `\n  -o /app ." + tail, inputs: ">/src/ in /src: go build -o /app ."},
		{name: "Windows line ends", file: strings.ReplaceAll(all+"RUN go build -o /app ."+tail, "\n", "\r\n"), inputs: ">/src/ in /src: go build -o /app ."},

		{name: "a base that runs something", file: all + "RUN go build -o /app .\nFROM alpine\nRUN adduser x\nCOPY --from=b /app /app", because: "line 7: has RUN"},
		{name: "other files", file: all + "RUN go build -o /app .\nFROM scratch\nCOPY static /static\nCOPY --from=b /app /app", because: "copies files"},
		{name: "certificates", file: all + "RUN go build -o /app .\nFROM scratch\nCOPY --from=b /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nCOPY --from=b /app /app", because: "copies /etc/ssl/certs/ca-certificates.crt"},
		{name: "another owner", file: all + "RUN go build -o /app .\nFROM scratch\nCOPY --from=b --chown=1:1 /app /app", because: "flag that is not followed"},
		{name: "another mode", file: all + "RUN go build -o /app .\nFROM scratch\nCOPY --from=b --chmod=0700 /app /app", because: "flag that is not followed"},
		{name: "a shell at the start", file: all + "RUN go build -o /app ." + tail + "ENTRYPOINT /app --x", because: "needs a shell"},
		{name: "something else of the stage", file: all + "RUN go build -o /app .\nFROM scratch\nCOPY --from=b other /app", because: "copies other"},
		{name: "a path seen from the root", file: all + "RUN go build -o app .\nFROM scratch\nCOPY --from=b app /app", because: "copies app, and go build writes /src/app"},
		{name: "nothing is copied", file: all + "RUN go build -o /app .\nFROM scratch\n", because: "no stage that runs go build, and that the last stage copies from, was found"},
		{name: "a health check", file: all + "RUN go build -o /app ." + tail + "HEALTHCHECK CMD x", because: "has HEALTHCHECK"},
		{name: "another platform is shipped", file: all + "RUN go build -o /app .\nFROM --platform=linux/s390x scratch\nCOPY --from=b /app /app", because: "asks for the platform linux/s390x"},
		{name: "the stage itself is shipped", file: all + "RUN go build -o /app .\nFROM b\nCOPY --from=b /app /app", because: "stands on another stage"},
		{name: "a variable of the base", file: all + "RUN go build -o /app .\nFROM alpine\nCOPY --from=b /app /app\nENV PATH=$PATH:/x", because: "variable PATH, which no line sets"},
		{name: "a range of ports", file: all + "RUN go build -o /app ." + tail + "EXPOSE 80-90", because: "exposes 80-90"},
		{name: "a folder of the base", file: all + "RUN go build -o /app .\nFROM alpine\nCOPY --from=b /app bin/", because: "seen from the working directory of alpine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse([]byte(c.file), Options{Args: c.args, Platform: cmp.Or(c.platform, "linux/amd64"), Builder: "linux/amd64", Toolchain: "go1.26.8"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.GoImage()
			switch {
			case c.because == "" && err != nil:
				t.Errorf("needs a container because %v\nwant inputs %s", err, c.inputs)
			case c.because != "" && err == nil:
				t.Errorf("inputs %s\nwant a container because %s", inputs(got), c.because)
			case err != nil && !strings.Contains(err.Error(), c.because):
				t.Errorf("because\n%v\nwant\n%s", err, c.because)
			case err == nil && inputs(got) != c.inputs:
				t.Errorf("inputs\n%s\nwant\n%s", inputs(got), c.inputs)
			}
		})
	}
}

func TestWhetherTheProgramCarriesTheRevision(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        bool
	}{
		{"by default", "RUN go build -o /app .", true},
		{"automatically", "RUN go build -buildvcs=auto -o /app .", true},
		{"not by the flag", "RUN go build -buildvcs=false -o /app .", false},
		{"not by GOFLAGS", "ENV GOFLAGS=-buildvcs=false\nRUN go build -o /app .", false},
	} {
		f, err := Parse([]byte(all+c.lines+tail), Options{Platform: "linux/amd64", Builder: "linux/amd64", Toolchain: "go1.26.8"})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if i, err := f.GoImage(); err != nil || i.Program.VCSStamp != c.want {
			t.Errorf("%s: %+v, %v; want a stamp: %v", c.name, i, err, c.want)
		}
	}
}

// Each row: lines of the last stage → what the image is run with.
func TestWhatTheImageIsRunWith(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"nothing", "FROM scratch\nCOPY --from=b /app /app", "/app"},
		{"into a folder", "FROM scratch\nCOPY --from=b /app /usr/bin/", "/usr/bin/app"},
		{"to a folder by its dots", "FROM scratch\nWORKDIR /opt\nCOPY --from=b /app ..", "/app dir=/opt makes=[/opt]"},
		{"seen from a folder", "FROM scratch\nWORKDIR /opt\nWORKDIR x\nCOPY --from=b /app .", "/opt/x/app dir=/opt/x makes=[/opt /opt/x]"},
		{"a command before the entrypoint is kept", "FROM alpine\nCOPY --from=b /app /app\nCMD [\"-v\"]\nENTRYPOINT [\"/app\"]", "/app on alpine entrypoint=[/app] cmd=[-v]"},
		{"an entrypoint drops the base's command", "FROM alpine\nCOPY --from=b /app /app\nENTRYPOINT [\"/app\"]", "/app on alpine entrypoint=[/app] without cmd"},
		{"a command leaves the base's entrypoint", "FROM alpine\nCOPY --from=b /app /app\nCMD [\"/app\"]", "/app on alpine cmd=[/app]"},
		{"variables", "FROM scratch\nARG V=1\nENV A=$V B=\"x y\"\nENV A=2\nCOPY --from=b /app /app", "/app env=[A=2 B=x y]"},
		{"values see what was set before their line", "FROM scratch\nENV A=1\nENV A=2 B=$A\nCOPY --from=b /app /app", "/app env=[A=2 B=1]"},
		{"labels", "FROM scratch\nARG V=1\nLABEL a=$V b='c d'\nCOPY --from=b /app /app", "/app labels=[a=1 b=c d]"},
		{"ports", "FROM scratch\nEXPOSE 80 53/udp\nCOPY --from=b /app /app", "/app ports=[53/udp 80/tcp]"},
		{"user and signal", "FROM scratch\nUSER 1000:1000\nSTOPSIGNAL SIGINT\nCOPY --from=b /app /app", "/app user=1000:1000 signal=SIGINT"},
	} {
		f, err := Parse([]byte(all+"RUN go build -o /app .\n"+c.lines), Options{Platform: "linux/amd64", Builder: "linux/amd64", Toolchain: "go1.26.8"})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		i, err := f.GoImage()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := runWith(i); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func runWith(i *Image) string {
	text := i.Target
	add := func(format string, value any, is bool) {
		if is {
			text += fmt.Sprintf(" "+format, value)
		}
	}
	add("on %s", i.Base, i.Base != "")
	add("dir=%s", i.WorkingDir, i.WorkingDir != "")
	add("makes=%v", i.Folders, i.Folders != nil)
	add("entrypoint=%v", i.Entrypoint, i.Entrypoint != nil)
	add("cmd=%v", i.Cmd, i.Cmd != nil)
	if i.ResetCmd {
		text += " without cmd"
	}
	add("env=%v", i.Env, i.Env != nil)
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(i.Labels)) {
		labels = append(labels, key+"="+i.Labels[key])
	}
	add("labels=%v", labels, labels != nil)
	add("ports=%v", i.Ports, i.Ports != nil)
	add("user=%s", i.User, i.User != "")
	add("signal=%s", i.StopSignal, i.StopSignal != "")
	return text
}
