package dockerfile

import (
	"fmt"
	"strings"
)

// Image is an image of one Go program, as a Dockerfile describes it.
type Image struct {
	Program Program
	// Base is the image below, "" for none.
	Base string
	// Target is where the program goes in the image, and Folders are those that WORKDIR makes.
	Target  string
	Folders []string
	// Entrypoint and Cmd are nil where the base's count.
	Entrypoint, Cmd []string
	// ResetCmd reports that the base's command does not count, as the entrypoint is another.
	ResetCmd bool
	// Env are KEY=value, in the order in which they were first set.
	Env        []string
	Labels     map[string]string
	User       string
	WorkingDir string
	Ports      []string
	StopSignal string
}

// Program is how the Go program is compiled.
type Program struct {
	// Steps fill the stage's file system before the compiler runs.
	Steps []Step
	// Dir is the folder that it is compiled in, an absolute path in the stage.
	Dir string
	// Env are the variables that the compiler gets, KEY=value, sorted.
	Env []string
	// CgoByDefault reports that nothing switches cgo off and a C compiler is there, so that the toolchain uses it.
	CgoByDefault bool
	// VCSStamp reports that a .git that is copied leaves its mark in the program.
	VCSStamp bool
	// Flags are those of go build, and Packages its arguments: one package, or files.
	Flags, Packages []string
	// Output is the program's absolute path in the stage.
	Output string
}

// Step is one change of a stage's file system.
type Step struct {
	// Line is that of the Dockerfile.
	Line int
	// Sources are paths or patterns in the build context; a step without any makes the folder Dest.
	Sources []string
	// Dest is an absolute path; one that ends in a slash is a folder.
	Dest string
	// Folders reports that each source has to be a folder, since files would be unpacked.
	Folders bool
}

// unable is why a Dockerfile needs a builder that runs containers.
type unable struct {
	line int
	why  string
}

// Error begins with the line.
func (u *unable) Error() string {
	if u.line == 0 {
		return u.why
	}
	return fmt.Sprintf("line %d: %s", u.line, u.why)
}

func because(format string, args ...any) error { return &unable{why: fmt.Sprintf(format, args...)} }

// GoImage returns the image that the last stage describes if it is a Go program that can be compiled without a
// container to the same result. Otherwise the error is the reason why a container is needed. What it does not know to
// be the same needs one.
func (f *File) GoImage() (*Image, error) {
	if err := f.checkDirectives(); err != nil {
		return nil, err
	}
	last := len(f.stages) - 1
	built, err := f.compileStage(last)
	if err != nil {
		return nil, err
	}
	return f.finalStage(last, built)
}

func (f *File) checkDirectives() error {
	if f.check != "" {
		return because("the directive check=%s may refuse the build", f.check)
	}
	if isForeign(f.syntax) {
		return because("the syntax %s may give instructions another meaning", f.syntax)
	}
	if _, tag, _ := strings.Cut(f.syntax, ":"); tag != "" && (!strings.HasPrefix(tag, "1") || strings.Contains(tag, "labs")) {
		return because("the syntax %s may give instructions another meaning", f.syntax)
	}
	seen := map[string]bool{}
	for _, s := range f.stages {
		if s.Name != "" && seen[s.Name] {
			return &unable{line(s.Location), fmt.Sprintf("there are two stages %s", s.Name)}
		}
		seen[s.Name] = true
	}
	return nil
}

// compileStage reads the stage that the last one copies its program from.
func (f *File) compileStage(last int) (*building, error) {
	from := -1
	for i := range last {
		if !f.copiesFrom(last, i) {
			continue
		}
		if from >= 0 {
			return nil, because("the last stage copies from several stages")
		}
		from = i
	}
	if from < 0 {
		return nil, because("no stage that runs go build, and that the last stage copies from, was found")
	}
	b, err := f.build(from)
	if err != nil {
		return nil, err
	}
	if b.program.Output == "" {
		return nil, because("no stage that runs go build, and that the last stage copies from, was found")
	}
	return b, nil
}

func (f *File) copiesFrom(stage, other int) bool {
	for _, command := range f.stages[stage].Commands {
		for _, from := range sources(command) {
			if i, ok := f.find(from, stage); ok && i == other {
				return true
			}
		}
	}
	return false
}
