package dockerfile

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// variables are those of a stage while it is read.
type variables struct {
	file *File
	// args are set by ARG, env by ENV; order has the names of env as they were first set.
	args, env map[string]string
	order     []string
}

func newVariables(f *File) variables {
	return variables{file: f, args: map[string]string{}, env: map[string]string{}}
}

// all are the variables that a command sees.
func (v *variables) all() map[string]string {
	all := maps.Clone(v.args)
	maps.Copy(all, v.env)
	return all
}

// expand puts variables in. One that the Dockerfile does not set would come from the base image.
func (v *variables) expand(word string) (string, error) {
	value, unknown, err := shell.NewLex(v.file.escape).ProcessWord(word, getter(v.all()))
	if err != nil {
		return "", err
	}
	for name := range unknown {
		return "", because("uses the variable %s, which no line sets", name)
	}
	return value, nil
}

// declare reads ARG.
func (v *variables) declare(c *instructions.ArgCommand) error {
	for _, arg := range c.Args {
		if _, both := v.env[arg.Key]; both {
			return because("sets %s by ARG and by ENV", arg.Key)
		}
		value, ok := v.file.options.Args[arg.Key]
		if !ok && arg.Value != nil {
			var err error
			if value, err = v.expand(*arg.Value); err != nil {
				return err
			}
			ok = true
		}
		if !ok {
			value, ok = v.file.global[arg.Key]
		}
		if ok {
			v.args[arg.Key] = value
		}
	}
	return nil
}

// set reads ENV, whose values see what was set before it.
func (v *variables) set(c *instructions.EnvCommand) error {
	if err := c.Expand(v.expand); err != nil {
		return err
	}
	for _, pair := range c.Env {
		if _, both := v.args[pair.Key]; both {
			return because("sets %s by ARG and by ENV", pair.Key)
		}
		if _, known := v.env[pair.Key]; !known {
			v.order = append(v.order, pair.Key)
		}
		v.env[pair.Key] = pair.Value
	}
	return nil
}

var (
	plainVariable = regexp.MustCompile(`\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)
	assignment    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
)

// shellMarks mean something to a shell that is not followed here.
const shellMarks = "\\;|<>`(){}*?[]~#!&\n"

// words splits a simple command as a POSIX shell does. What takes a real shell is an error.
func (v *variables) words(command string) ([]string, error) {
	all := v.all()
	for _, m := range plainVariable.FindAllStringSubmatch(command, -1) {
		value, ok := all[m[1]+m[2]]
		if !ok {
			return nil, because("uses the variable %s, which no line sets", m[1]+m[2])
		}
		if value == "" || strings.ContainsAny(value, shellMarks+`$'"`) {
			return nil, because("needs a shell for the value of %s: %s", m[1]+m[2], command)
		}
	}
	rest := plainVariable.ReplaceAllString(command, "")
	if strings.ContainsAny(rest, shellMarks+"$") || strings.Contains(rest, `""`) || strings.Contains(rest, "''") {
		return nil, because("runs a shell: %s", command)
	}
	words, err := shell.NewLex('\\').ProcessWords(command, getter(all))
	if err != nil {
		return nil, because("has a command that is not understood: %s", command)
	}
	return words, nil
}

// reserved are names that change what the shell, the toolchain or the loader do.
var reserved = []string{
	"PATH", "HOME", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "TMPDIR", "XDG_CONFIG_HOME", "CC", "CXX", "AR", "FC", "GCCGO", "PKG_CONFIG",
	"LD_PRELOAD", "LD_LIBRARY_PATH", "SOURCE_DATE_EPOCH",
}

// passed are variables of the toolchain that it gets as they are.
var passed = []string{
	"GOOS", "GOARCH", "GOARM", "GOARM64", "GOAMD64", "GO386", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOEXPERIMENT",
	"GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOVCS",
}

// allowed are the values that other variables of the toolchain may have.
var allowed = map[string][]string{"CGO_ENABLED": {"0"}, "GO111MODULE": {"on", "auto"}, "GOTOOLCHAIN": {"local", "auto"}, "GOWORK": {"off"}}

// idle are names that change nothing of the program: where the toolchain keeps what it can make again, what it may
// use up, and names that it does not read.
var idle = []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOBIN", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOLANG_VERSION", "GO_VERSION"}

// toolchain returns the variables that matter to the toolchain, KEY=value, sorted.
func toolchain(all map[string]string) ([]string, error) {
	var env []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		keep, err := forToolchain(key, all[key])
		if err != nil {
			return nil, err
		}
		if keep {
			env = append(env, key+"="+all[key])
		}
	}
	return env, nil
}

func forToolchain(key, value string) (keep bool, err error) {
	switch {
	case slices.Contains(passed, key):
		return value != "", nil
	case slices.Contains(idle, key):
		return false, nil
	case slices.Contains(allowed[key], value):
		return true, nil
	case key == "GOFLAGS":
		return value != "", checkGoFlags(value)
	case strings.HasPrefix(key, "GO"), strings.HasPrefix(key, "CGO_"), slices.Contains(reserved, key):
		return false, because("sets %s=%s", key, value)
	}
	return false, nil
}
