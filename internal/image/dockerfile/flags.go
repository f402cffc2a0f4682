package dockerfile

import (
	"path"
	"slices"
	"strings"
)

// buildFlags are the arguments of go build.
type buildFlags struct {
	kept, packages []string
	output         string
	noVCS          bool
}

// switches are flags without a value that may be given; those that are kept change the program.
var switches = map[string]bool{"trimpath": true, "v": false, "x": false, "a": false}

// valued are flags with a value that may be given, with the check of the value.
var valued = map[string]func(value string) bool{
	"ldflags":       knownLinkerFlags,
	"gcflags":       func(v string) bool { return !strings.Contains(v, "/") },
	"tags":          func(string) bool { return true },
	"mod":           func(v string) bool { return slices.Contains([]string{"mod", "vendor", "readonly"}, v) },
	"p":             func(string) bool { return true },
	"installsuffix": func(v string) bool { return !strings.Contains(v, "/") },
	"pgo":           func(v string) bool { return v == "off" || v == "auto" },
	"buildmode":     func(v string) bool { return v == "default" || v == "exe" },
	"buildvcs":      func(v string) bool { return v == "false" || v == "auto" },
}

// readBuildFlags reads what stands behind go build.
func readBuildFlags(words []string) (buildFlags, error) {
	var f buildFlags
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if !strings.HasPrefix(word, "-") {
			f.packages = append(f.packages, word)
			continue
		}
		if len(f.packages) > 0 {
			return f, because("gives go build %s behind the package", word)
		}
		rest, err := f.flag(word, words)
		if err != nil {
			return f, err
		}
		words = rest
	}
	if f.output == "" {
		return f, because("runs go build without -o")
	}
	if strings.HasSuffix(f.output, "/") {
		return f, because("has go build choose the name in %s", f.output)
	}
	return f, f.checkPackages()
}

// flag reads one flag, and returns the words behind its value.
func (f *buildFlags) flag(word string, words []string) ([]string, error) {
	name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	if kept, ok := switches[name]; ok {
		if given && value != "true" {
			return nil, because("gives go build the flag %s", word)
		}
		if kept {
			f.kept = append(f.kept, "-"+name)
		}
		return words, nil
	}
	if name == "buildvcs" && !given {
		return nil, because("gives go build the flag %s", word)
	}
	if !given {
		if len(words) == 0 {
			return nil, because("ends in %s", word)
		}
		value, words = words[0], words[1:]
	}
	if name == "o" {
		f.output = value
		return words, nil
	}
	if check, ok := valued[name]; !ok || !check(value) {
		return nil, because("gives go build the flag -%s=%s", name, value)
	}
	if name == "buildvcs" {
		f.noVCS = value == "false"
		return words, nil
	}
	f.kept = append(f.kept, "-"+name+"="+value)
	return words, nil
}

// checkPackages allows one package below the working directory, or files in it.
func (f *buildFlags) checkPackages() error {
	if len(f.packages) == 0 {
		f.packages = []string{"."}
	}
	files := 0
	for _, p := range f.packages {
		switch {
		case strings.HasSuffix(p, ".go") && !path.IsAbs(p) && !strings.HasPrefix(path.Clean(p), ".."):
			files++
		case !strings.HasPrefix(p, ".") || strings.HasPrefix(path.Clean(p), "..") || strings.Contains(p, "..."):
			return because("builds the package %s", p)
		}
	}
	if files != len(f.packages) && len(f.packages) > 1 {
		return because("builds several packages")
	}
	return nil
}

// checkGoFlags checks each flag in GOFLAGS as if go build had been given it.
func checkGoFlags(value string) error {
	words, ok := quoted(value)
	if !ok {
		return because("sets GOFLAGS=%s", value)
	}
	for _, word := range words {
		var f buildFlags
		if _, err := f.flag(word, nil); err != nil || f.output != "" {
			return because("sets GOFLAGS=%s, of which %s is not followed", value, word)
		}
	}
	return nil
}

// knownLinkerFlags reports whether the linker's flags are ones that need no C compiler and read no file.
func knownLinkerFlags(value string) bool {
	words, ok := quoted(value)
	for i := 0; ok && i < len(words); i++ {
		name, _, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(words[i], "-"), "-"), "=")
		switch {
		case !strings.HasPrefix(words[i], "-"):
			return false
		case name == "s" || name == "w":
		case name == "X" || name == "extldflags" || name == "buildid":
			if !given {
				i++
			}
		default:
			return false
		}
	}
	return ok
}

// quoted splits a list of flags as the go command does, which is not how a shell does: a word is in quotes as a whole
// or not at all, and nothing is escaped.
func quoted(s string) (words []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\n\r")
		if s == "" {
			return words, true
		}
		if quote := s[0]; quote == '"' || quote == '\'' {
			end := strings.IndexByte(s[1:], quote)
			if end < 0 {
				return nil, false
			}
			words = append(words, s[1:end+1])
			s = s[end+2:]
			continue
		}
		end := strings.IndexAny(s, " \t\n\r")
		if end < 0 {
			end = len(s)
		}
		words = append(words, s[:end])
		s = s[end:]
	}
}
