package image

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
)

// GoOptions are how a Go main package without a Dockerfile is compiled.
type GoOptions struct {
	// Base is the image that it stands on; "" is none.
	Base string
	// Flags and LinkerFlags are those of the compiler and the linker, without LinkerFlags -s -w, and Env KEY=VALUE.
	Flags, LinkerFlags, Env []string
}

// BuilderOptions are what builders other than that in process are given for a Dockerfile.
type BuilderOptions struct {
	Network string
	// Hosts are NAME:IP.
	Hosts   []string
	Secrets []BuilderSecret
	SSH     string
	// Fresh builds every layer anew, and Pull looks for newer base images.
	Fresh, Pull bool
	// Flags are given to the docker program, or to one that takes the same.
	Flags []string
}

// BuilderSecret is what a builder gets by the name ID: the contents of a file, or the value of a variable.
type BuilderSecret struct {
	ID, Src, Env string
}

// String returns the secret as a value of a flag.
func (s BuilderSecret) String() string {
	text := "id=" + s.ID
	if s.Env != "" {
		text += ",env=" + s.Env
	}
	if s.Src != "" {
		text += ",src=" + s.file()
	}
	return text
}

// file is where the contents are, with the home of the user in place of ~.
func (s BuilderSecret) file() string {
	rest, home := strings.CutPrefix(s.Src, "~/")
	if dir, err := os.UserHomeDir(); home && err == nil {
		return filepath.Join(dir, rest)
	}
	return s.Src
}

// ofDocker are the options as flags of docker, and of those that take the same.
func (o BuilderOptions) ofDocker() []string {
	var args []string
	if o.Network != "" {
		args = append(args, "--network", o.Network)
	}
	for _, host := range o.Hosts {
		args = append(args, "--add-host", host)
	}
	for _, s := range o.Secrets {
		args = append(args, "--secret", s.String())
	}
	if o.SSH != "" {
		args = append(args, "--ssh", o.SSH)
	}
	if o.Fresh {
		args = append(args, "--no-cache")
	}
	if o.Pull {
		args = append(args, "--pull")
	}
	return append(args, o.Flags...)
}

// ofBuildctl are the options as flags of buildctl.
func (o BuilderOptions) ofBuildctl() ([]string, error) {
	if len(o.Flags) > 0 {
		return nil, errors.New("flags for docker are given (" + strings.Join(o.Flags, " ") + "), which buildctl does not take")
	}
	var args []string
	if o.Network != "" {
		args = append(args, "--opt", "force-network-mode="+o.Network)
	}
	if len(o.Hosts) > 0 {
		args = append(args, "--opt", "add-hosts="+strings.ReplaceAll(strings.Join(o.Hosts, ","), ":", "="))
	}
	for _, s := range o.Secrets {
		args = append(args, "--secret", s.String())
	}
	if o.SSH != "" {
		args = append(args, "--ssh", o.SSH)
	}
	if o.Fresh {
		args = append(args, "--no-cache")
	}
	if o.Pull {
		args = append(args, "--opt", "image-resolve-mode=pull")
	}
	return args, nil
}

// program returns how a package is compiled that has no Dockerfile. What would run another program on this machine is
// an error.
func (o GoOptions) program(env []string) (dockerfile.Program, error) {
	p := dockerfile.Program{Env: slices.Clone(env)}
	linker := "-s -w"
	if len(o.LinkerFlags) > 0 {
		linker = strings.Join(o.LinkerFlags, " ")
	}
	flags, err := dockerfile.CompilerFlags(append(slices.Clone(o.Flags), "-ldflags="+linker))
	if err != nil {
		return p, err
	}
	p.Flags = flags
	more, err := dockerfile.CompilerEnv(o.Env)
	p.Env = append(p.Env, more...)
	return p, err
}
