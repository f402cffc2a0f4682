package dockerfile

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// building is a stage that compiles, as far as it was read.
type building struct {
	variables
	program Program
	workdir string
	// platform is what the stage runs on, os/arch.
	platform string
	// compilerForC reports that the image of the toolchain has one.
	compilerForC bool
}

// build reads a stage with all that it stands on.
func (f *File) build(i int) (*building, error) {
	s := f.stages[i]
	b, err := f.startOn(i)
	if err != nil {
		return nil, at(s.Location[0].Start.Line, err)
	}
	for _, command := range s.Commands {
		if err := b.read(command); err != nil {
			return nil, at(line(command.Location()), err)
		}
	}
	return b, nil
}

// at adds the line to a reason that has none.
func at(line int, err error) error {
	var u *unable
	if errors.As(err, &u) {
		if u.line == 0 {
			return &unable{line, u.why}
		}
		return u
	}
	return &unable{line, err.Error()}
}

// startOn begins with what the stage before, or the image of the Go toolchain, leaves.
func (f *File) startOn(i int) (*building, error) {
	s := f.stages[i]
	if before, ok := f.find(s.base, i); ok {
		if s.platform != "" {
			return nil, because("asks for a platform of a stage")
		}
		b, err := f.build(before)
		if err == nil {
			// Arguments count for one stage.
			b.args = map[string]string{}
		}
		return b, err
	}
	withC, err := checkToolchain(s.base, f.options.Toolchain)
	if err != nil {
		return nil, err
	}
	b := &building{variables: newVariables(f), workdir: "/go", platform: f.options.Platform, compilerForC: withC}
	if s.platform != "" {
		b.platform = s.platform
	}
	if parts := strings.Split(b.platform, "/"); len(parts) < 2 || parts[0] != "linux" {
		return nil, because("stands on the platform %s", b.platform)
	}
	b.env["GOPATH"] = "/go"
	return b, nil
}

// checkToolchain reports whether the Go image is the toolchain that is installed, and whether it has a C compiler.
func checkToolchain(base, installed string) (withC bool, err error) {
	ref, err := name.ParseReference(base, name.WeakValidation)
	if err != nil || !slices.Contains([]string{"index.docker.io/library/golang", "public.ecr.aws/docker/library/golang", "mirror.gcr.io/library/golang"}, ref.Context().Name()) {
		return false, because("stands on %s, which is not known to hold just the Go toolchain", base)
	}
	named, _, pinned := strings.Cut(base, "@")
	tag := "latest"
	if colon := strings.LastIndex(named, ":"); colon > strings.LastIndex(named, "/") {
		tag = named[colon+1:]
	} else if pinned {
		return false, because("stands on %s, which names no version of Go", base)
	}
	version, flavour, _ := strings.Cut(tag, "-")
	if version == "" || version[0] < '0' || version[0] > '9' {
		version, flavour = "", tag
	}
	if version != "" && version != strings.TrimPrefix(installed, "go") && !strings.HasPrefix(strings.TrimPrefix(installed, "go"), version+".") {
		return false, because("compiles with Go %s, and %s is installed here", version, installed)
	}
	switch flavour, _, _ = strings.Cut(strings.TrimRight(flavour, "0123456789."), "-"); flavour {
	case "alpine":
		return false, nil
	case "", "latest", "bookworm", "trixie", "bullseye":
		return true, nil
	}
	return false, because("stands on %s, which is not known to hold just the Go toolchain", base)
}

// read follows one instruction of a stage that compiles.
func (b *building) read(command instructions.Command) error {
	switch c := command.(type) {
	case *instructions.ArgCommand:
		return b.declare(c)
	case *instructions.EnvCommand:
		return b.set(c)
	case *instructions.WorkdirCommand:
		if err := c.Expand(b.expand); err != nil {
			return err
		}
		b.workdir = resolve(b.workdir, c.Path)
		b.makeFolder(c, b.workdir)
		return nil
	case *instructions.CopyCommand:
		return b.copy(c)
	case *instructions.AddCommand:
		return b.add(c)
	case *instructions.RunCommand:
		return b.run(c)
	case *instructions.UserCommand:
		if user, err := b.expand(c.User); err != nil || !slices.Contains([]string{"root", "0", "0:0", "root:root"}, user) {
			return because("compiles as the user %s", c.User)
		}
		return nil
	case *instructions.LabelCommand, *instructions.ExposeCommand, *instructions.CmdCommand, *instructions.EntrypointCommand, *instructions.StopSignalCommand, *instructions.MaintainerCommand:
		// Nothing of a stage that is not shipped.
		return nil
	}
	return because("has %s", strings.ToUpper(command.Name()))
}

// resolve is a path seen from a working directory.
func resolve(workdir, to string) string {
	if path.IsAbs(to) {
		return path.Clean(to)
	}
	return path.Join(workdir, to)
}

func (b *building) makeFolder(command instructions.Command, folder string) {
	b.program.Steps = append(b.program.Steps, Step{Line: line(command.Location()), Dest: folder})
}

func (b *building) copy(c *instructions.CopyCommand) error {
	if c.From != "" {
		return because("copies from another stage or image")
	}
	if c.Chmod != "" || len(c.ExcludePatterns) > 0 || c.Parents {
		return because("copies with a flag that is not followed: %s", c.String())
	}
	if err := c.Expand(b.expand); err != nil {
		return err
	}
	return b.take(c, c.SourcesAndDest, false)
}

func (b *building) add(c *instructions.AddCommand) error {
	if c.Chmod != "" || c.Checksum != "" || c.KeepGitDir != nil || c.Unpack != nil || len(c.ExcludePatterns) > 0 {
		return because("adds with a flag that is not followed: %s", c.String())
	}
	if err := c.Expand(b.expand); err != nil {
		return err
	}
	for _, source := range c.SourcePaths {
		if strings.Contains(source, "://") || strings.HasPrefix(source, "git@") || strings.Contains(source, ".git#") {
			return because("adds %s", source)
		}
	}
	return b.take(c, c.SourcesAndDest, true)
}

// take records files of the build context.
func (b *building) take(command instructions.Command, s instructions.SourcesAndDest, folders bool) error {
	if len(s.SourceContents) > 0 {
		return because("has a here-document")
	}
	if b.program.Output != "" {
		return because("copies after go build has run")
	}
	dest := resolve(b.workdir, s.DestPath)
	if isFolder(s.DestPath) {
		dest = strings.TrimSuffix(dest, "/") + "/"
	}
	if len(s.SourcePaths) > 1 && !strings.HasSuffix(dest, "/") {
		return because("copies several sources to %s, which has to end in a slash", s.DestPath)
	}
	step := Step{Line: line(command.Location()), Dest: dest, Folders: folders}
	for _, source := range s.SourcePaths {
		step.Sources = append(step.Sources, strings.TrimPrefix(path.Join("/", source), "/"))
	}
	b.program.Steps = append(b.program.Steps, step)
	return nil
}

// caches are where the toolchain keeps what it can make again.
var caches = []string{"/go/pkg", "/go/pkg/mod", "/go/pkg/mod/", "/root/.cache", "/root/.cache/go-build", "/root/.cache/go-build/"}

// run follows RUN: go build, and what prepares it.
func (b *building) run(c *instructions.RunCommand) error {
	if len(c.Files) > 0 {
		return because("has a here-document")
	}
	for _, flag := range c.FlagsUsed {
		if flag != "mount" {
			return because("runs with --%s", flag)
		}
	}
	if err := c.Expand(b.expand); err != nil {
		return err
	}
	for _, mount := range instructions.GetMounts(c) {
		if mount.Type != instructions.MountTypeCache || mount.From != "" || !slices.Contains(append([]string{b.env["GOMODCACHE"], b.env["GOCACHE"]}, caches...), mount.Target) {
			return because("mounts %s on %s", mount.Type, mount.Target)
		}
	}
	if !c.PrependShell {
		return b.command(c, c.CmdLine)
	}
	for command := range strings.SplitSeq(strings.Join(c.CmdLine, " "), "&&") {
		words, err := b.words(strings.TrimSpace(command))
		if err != nil {
			return err
		}
		if err := b.command(c, words); err != nil {
			return err
		}
	}
	return nil
}

func (b *building) command(c *instructions.RunCommand, words []string) error {
	env := map[string]string{}
	for len(words) > 0 && c.PrependShell && assignment.MatchString(words[0]) {
		key, value, _ := strings.Cut(words[0], "=")
		env[key] = value
		words = words[1:]
	}
	command := strings.Join(words, " ")
	switch {
	case len(words) > 2 && words[0] == "go" && words[1] == "mod" && (words[2] == "download" || words[2] == "verify"):
		return nil
	case len(words) > 1 && words[0] == "mkdir":
		return b.mkdir(c, words[1:])
	case len(words) < 2 || words[0] != "go" || words[1] != "build":
		return because("runs %s", command)
	case b.program.Output != "":
		return because("builds a second program")
	}
	return b.goBuild(words[2:], env)
}

func (b *building) mkdir(c *instructions.RunCommand, words []string) error {
	for _, word := range words {
		if word == "-p" {
			continue
		}
		if strings.HasPrefix(word, "-") {
			return because("runs mkdir %s", word)
		}
		b.makeFolder(c, resolve(b.workdir, word))
	}
	return nil
}

// goBuild follows go build with its variables.
func (b *building) goBuild(words []string, env map[string]string) error {
	all := b.all()
	for key, value := range env {
		all[key] = value
	}
	flags, err := readBuildFlags(words)
	if err != nil {
		return err
	}
	p := &b.program
	if p.Env, err = toolchain(all); err != nil {
		return err
	}
	p.Dir, p.Flags, p.Packages, p.Output = b.workdir, flags.kept, flags.packages, resolve(b.workdir, flags.output)
	os, arch := b.platformOf()
	if all["GOOS"] == "" {
		p.Env = append(p.Env, "GOOS="+os)
	}
	if all["GOARCH"] == "" {
		p.Env = append(p.Env, "GOARCH="+arch)
	}
	if all["CGO_ENABLED"] == "" {
		// Where a C compiler is there, this has to come to the same: see CgoByDefault.
		p.Env = append(p.Env, "CGO_ENABLED=0")
	}
	if arch == "arm" && all["GOARM"] == "" {
		return because("builds for arm without GOARM")
	}
	slices.Sort(p.Env)
	p.CgoByDefault = all["CGO_ENABLED"] == "" && b.compilerForC
	p.VCSStamp = !flags.noVCS && !strings.Contains(all["GOFLAGS"], "-buildvcs=false")
	return nil
}

func (b *building) platformOf() (os, arch string) {
	parts := strings.Split(b.platform, "/")
	return parts[0], parts[1]
}

// copied checks a path of the last stage against what was built.
func (b *building) copied(source string) error {
	if path.Join("/", source) != b.program.Output {
		return because("copies %s, and go build writes %s", source, b.program.Output)
	}
	return nil
}
