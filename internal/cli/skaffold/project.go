package skaffold

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// project are the flags by which a file is chosen and read.
type project struct {
	*kit.Env
	file     string
	options  skaffold.Options
	activate bool
	// settings is the file of the user's settings.
	settings string
	// propagate has profiles count in files that others require.
	propagate bool

	// root is the folder that nothing outside is read of, and tree what is in it.
	root string
	tree fs.FS
	// consent is asked for what builds, or deploys.
	consent Consent
	// noted are the warnings that were printed.
	noted map[string]bool
}

func (p *project) bind(flags *pflag.FlagSet) {
	flags.StringVarP(&p.file, "filename", "f", "", "skaffold.yaml or cyan.yaml (default: the one in the working directory)")
	flags.StringSliceVarP(&p.options.Profiles, "profile", "p", nil, "profiles of it; one that begins with - is switched off")
	flags.StringSliceVarP(&p.options.Modules, "module", "m", nil, "modules of it (default: all)")
	flags.BoolVar(&p.activate, "profile-auto-activation", true, "profiles may activate themselves")
	flags.BoolVar(&p.propagate, "propagate-profiles", true, "profiles that are named count in required files too")
	flags.StringVarP(&p.settings, "config", "c", "", "file of `skaffold config` (default ~/.skaffold/config)")
}

// read reads the project of the flags. Nothing outside the git work tree around the working directory is read.
func (p *project) read(command string) (skaffold.Result, error) {
	here, err := os.Getwd()
	if err == nil {
		here, err = filepath.EvalSymlinks(here)
	}
	if err != nil {
		return skaffold.Result{}, fmt.Errorf("finding the working directory: %w", err)
	}
	p.root = workTree(here)
	dir, err := filepath.Rel(p.root, here)
	if err != nil {
		return skaffold.Result{}, fmt.Errorf("finding the working directory: %w", err)
	}
	if p.tree == nil {
		root, err := os.OpenRoot(p.root)
		if err != nil {
			return skaffold.Result{}, fmt.Errorf("reading %s: %w", p.root, err)
		}
		p.tree = root.FS()
	}
	o := p.options
	o.Dir, o.Folder, o.Command = filepath.ToSlash(dir), filepath.Base(here), command
	o.WithoutActivation, o.OwnProfilesOnly = !p.activate, !p.propagate
	o.KubeContext = p.Kube.ContextName()
	_, named := p.Kube.Named()
	o.KubeContextGiven = named != ""
	o.Env = environment()
	file, err := p.inside(here)
	if err != nil {
		return skaffold.Result{}, err
	}
	return skaffold.Check(p.tree, file, o)
}

// inside returns the path of the file from the root.
func (p *project) inside(here string) (string, error) {
	switch {
	case p.file == "":
		return "", nil
	case p.file == "-" || strings.Contains(p.file, "://"):
		return "", kit.Usage("--filename", p.file+" is not a file of this machine", "save it to a file, beside what it builds")
	}
	full := p.file
	if !filepath.IsAbs(full) {
		full = filepath.Join(here, full)
	}
	inside, err := filepath.Rel(p.root, full)
	if err != nil || !filepath.IsLocal(inside) {
		return "", kit.Usage("--filename", p.file+" is not below "+p.root, "call it from the repository of the file")
	}
	return filepath.ToSlash(inside), nil
}

// workTree returns the git work tree that a folder is in, or else the folder.
func workTree(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

func environment() map[string]string {
	env := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return env
}

// sound returns the project when nothing in it has to be corrected. What is not done as it is written is noted.
func (p *project) sound(command string) (skaffold.Project, error) {
	result, err := p.read(command)
	if err != nil {
		return skaffold.Project{}, err
	}
	for _, f := range result.Findings {
		if f.Severity == skaffold.Warning && !p.noted[f.String()] {
			p.Note("warning: %s", f)
			kit.PutTrue(&p.noted, f.String())
		}
	}
	if err := wrong(result.Findings); err != nil || p.consent.given == nil {
		return result.Project, err
	}
	return p.consent.Of(p.Env, result.Project)
}

// wrong is an error of all findings that have to be corrected; nil when there are none.
func wrong(findings []skaffold.Finding) error {
	found := skaffold.Errors(findings)
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0].Problem()
	}
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = "  " + f.String()
	}
	return &problem.Error{Kind: problem.Usage, Object: fmt.Sprintf("%d places", len(found)), Cause: "to be corrected first:\n" + strings.Join(lines, "\n")}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// bare is the name of an image without tag and digest.
func bare(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name = name[:colon]
	}
	return name
}

func pairsOf(flag string, values []string) (map[string]string, error) {
	var all map[string]string
	err := kit.Pairs(values, func(key, value string) { kit.Put(&all, key, value) })
	if err != nil {
		return nil, kit.Usage(flag, err.Error(), "write KEY=VALUE")
	}
	return all, nil
}
