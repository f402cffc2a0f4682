package image

import (
	"slices"
	"strings"
	"testing"
)

func TestImagesOfADockerfile(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"one", "FROM a", []string{"a"}},
		{"stages", "FROM a AS one\nFROM b:1 as Two\nCOPY --from=ONE /x /\nFROM scratch\nCOPY --from=two /x /\nCOPY --from=0 /x /\n", []string{"b:1", "a"}},
		{"unused stage", "FROM a AS one\nFROM b AS two\nFROM one\n", []string{"a"}},
		{"arguments", "ARG V=1\nARG R=${X:-reg}\nFROM $R/a:${V} AS x\nFROM ${V:+b}\n", []string{"b"}},
		{"given argument", "ARG V=1\nFROM a:$V", []string{"a:2"}},
		{"platform and continuation", "# comment\nFROM --platform=$BUILDPLATFORM \\\n  # inside\n  a@sha256:00 \\\n  AS x\n", []string{"a@sha256:00"}},
		{"syntax", "# syntax=docker/dockerfile:1.7\nFROM a", []string{"docker/dockerfile:1.7", "a"}},
		{"backtick", "# escape=`\nFROM `\n a\n", []string{"a"}},
		{"here-document", "FROM a\nRUN <<EOF\nFROM b\nEOF\nCOPY <<-\"END\" /x\nFROM c\n\tEND\nRUN x\n", []string{"a"}},
		{"mount", "FROM a\nRUN --mount=type=cache,target=/x --mount=type=bind,from=b,target=/y z\n", []string{"a", "b"}},
		{"windows", "FROM a AS x\r\nFROM b\r\n", []string{"b"}},
		{"number", "FROM a\nFROM b\nCOPY --from=0 x y", []string{"b", "a"}},
	} {
		d, err := parseDockerfile(c.file, map[string]string{"V": map[bool]string{true: "2"}[c.name == "given argument"]})
		if c.name != "given argument" {
			d, err = parseDockerfile(c.file, nil)
		}
		if err != nil || !slices.Equal(d.images(), c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, d, err, c.want)
		}
	}
	for _, file := range []string{"", "# nothing", "RUN x\nFROM a", "FROM", "FROM a b", "FROM a AS", "FROM $NOTHING", "FROM a\nRUN <<EOF\nno end"} {
		if d, err := parseDockerfile(file, nil); err == nil {
			t.Errorf("%q: %+v", file, d)
		}
	}
}

func TestDockerfilesThatNeedAContainer(t *testing.T) {
	const head = "FROM golang AS b\nCOPY . .\n"
	for _, c := range []struct{ file, why string }{
		{"FROM golang\nCOPY . .\nRUN go build -o app .\n", "no stage that runs go build"},
		{head + "RUN apt-get update && go build -o app .\nFROM scratch\nCOPY --from=b app /app", "runs apt-get update"},
		{head + "RUN go generate ./... && go build -o app .\nFROM scratch\nCOPY --from=b app /app", "runs go generate"},
		{head + "RUN go build -o app $PKG\nFROM scratch\nCOPY --from=b app /app", "runs a shell"},
		{head + "RUN CGO_ENABLED=1 go build -o app .\nFROM scratch\nCOPY --from=b app /app", "sets CGO_ENABLED=1"},
		{head + "RUN go build -race -o app .\nFROM scratch\nCOPY --from=b app /app", "-race"},
		{head + "RUN go build -toolexec=evil -o app .\nFROM scratch\nCOPY --from=b app /app", "-toolexec"},
		{head + "RUN go build -o app .\nFROM alpine\nRUN adduser x\nCOPY --from=b app /app", "has RUN"},
		{head + "RUN go build -o app .\nFROM scratch\nCOPY static /static\nCOPY --from=b app /app", "copies files"},
		{head + "RUN go build -o app .\nFROM scratch\nCOPY --from=b app /app\nENTRYPOINT /app --x", "needs a shell"},
		{head + "RUN go build -o app .\nFROM scratch\nCOPY --from=b other /app", "copies other"},
		{head + "RUN go build -o app .\nFROM scratch\n", "does not copy the program"},
		{head + "RUN go build -o app .\nFROM scratch\nCOPY --from=b app /app\nHEALTHCHECK CMD x", "has HEALTHCHECK"},
		{head + "RUN go build -o app ./a && go build -o b ./b\nFROM scratch\nCOPY --from=b app /app", "second program"},
		{head + "RUN go build -o app example.com/other\nFROM scratch\nCOPY --from=b app /app", "builds the package"},
	} {
		if g, why := fromDockerfile(c.file, Request{}); g != nil || !strings.Contains(why, c.why) {
			t.Errorf("%s\n%q, want %q", c.file, why, c.why)
		}
	}
}

func FuzzDockerfile(f *testing.F) {
	f.Add("ARG V=1\nFROM a:$V AS x\nCOPY --from=x a b\nRUN <<E\nx\nE\nFROM x")
	f.Add("# escape=`\nFROM `\n a")
	f.Add("FROM a\nRUN --mount=from=b --mount=type=x y\nFROM 0")
	f.Fuzz(func(t *testing.T, file string) {
		d, err := parseDockerfile(file, nil)
		if err != nil {
			return
		}
		for _, i := range d.images() {
			if i == "" || i == "scratch" {
				t.Errorf("image %q", i)
			}
		}
		fromDockerfile(file, Request{})
	})
}
