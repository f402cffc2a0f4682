package cluster

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Programs are those that cluster Secrets may have run as this process, for a token. The zero value allows none.
type Programs struct {
	// Allowed holds names, which are looked for on this process's PATH, and absolute paths. A Secret's command must
	// be one of them, letter for letter: the name alone allows no path to a program of that name.
	Allowed []string
	// Remedy is what an error advises; it depends on who asks.
	Remedy string
}

// AllowPrograms checks the names and paths that a flag allows.
func AllowPrograms(allowed []string, remedy string) (Programs, error) {
	for _, command := range allowed {
		if !allowable(command) {
			return Programs{}, fmt.Errorf("program %q is invalid; give a name such as aws, or an absolute path", command)
		}
	}
	return Programs{Allowed: allowed, Remedy: remedy}, nil
}

// allowable reports whether a command means the same program wherever this process works: a bare name, or a clean
// absolute path.
func allowable(command string) bool {
	if strings.ContainsRune(command, filepath.Separator) {
		return filepath.IsAbs(command) && filepath.Clean(command) == command
	}
	return command != "" && command != "." && command != ".."
}

func (p Programs) check(program ExecProgram) error {
	if !allowable(program.Command) || !slices.Contains(p.Allowed, program.Command) {
		return fmt.Errorf("execProviderConfig command %q not allowed; %s", program.Command, p.Remedy)
	}
	for name := range program.Env {
		if loadsCode(name) {
			return fmt.Errorf("execProviderConfig env %q not allowed; leave it out: it would have %s run other programs or code", name, program.Command)
		}
	}
	return nil
}

// loadsCode reports whether a variable has an allowed program run what is not allowed: by the loader, by an
// interpreter, or by another search path.
func loadsCode(name string) bool {
	name = strings.ToUpper(name)
	for _, prefix := range []string{"LD_", "DYLD_", "GCONV_", "PYTHON", "NODE_", "PERL", "RUBY", "JAVA_", "_JAVA", "JDK_", "BASH_", "GIT_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"PATH", "ENV", "SHELLOPTS", "IFS", "HOME", "CLOUDSDK_PYTHON", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}, name)
}
