package dockerfile

import (
	"slices"
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
		var o Options
		if c.name == "given argument" {
			o.Args = map[string]string{"V": "2"}
		}
		f, err := Parse([]byte(c.file), o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := f.Images(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	const staged = "FROM a AS one\nFROM b AS Two\nCOPY --from=one /x /\nFROM c\n"
	for target, want := range map[string][]string{"": {"c"}, "two": {"b", "a"}, "one": {"a"}, "0": {"a"}, "2": {"c"}, "three": nil, "3": nil} {
		f, err := Parse([]byte(staged), Options{Target: target})
		if want == nil {
			if err == nil || err.Error() != "stage "+target+", which is to be built, not found" {
				t.Errorf("target %s: got %v", target, err)
			}
		} else if err != nil || !slices.Equal(f.Images(), want) {
			t.Errorf("target %q: got %v and %v, want %v", target, f.Images(), err, want)
		}
	}
	for _, file := range []string{"", "# nothing", "RUN x\nFROM a", "FROM", "FROM a b", "FROM a AS", "FROM $NOTHING", "FROM a\nRUN <<EOF\nno end"} {
		if f, err := Parse([]byte(file), Options{}); err == nil {
			t.Errorf("%q: no error, and %+v", file, f)
		}
	}
}

func FuzzDockerfile(f *testing.F) {
	f.Add("ARG V=1\nFROM a:$V AS x\nCOPY --from=x a b\nRUN <<E\nx\nE\nFROM x")
	f.Add("# escape=`\nFROM `\n a")
	f.Add("FROM a\nRUN --mount=from=b --mount=type=x y\nFROM 0")
	f.Fuzz(func(t *testing.T, file string) {
		d, err := Parse([]byte(file), Options{Platform: "linux/amd64", Builder: "linux/amd64", Toolchain: "go1.26.8"})
		if err != nil {
			return
		}
		for _, i := range d.Images() {
			if i == "" || i == "scratch" {
				t.Errorf("image %q", i)
			}
		}
		_, _ = d.GoImage()
	})
}
