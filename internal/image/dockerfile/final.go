package dockerfile

import (
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// shipping is the last stage, as far as it was read.
type shipping struct {
	variables
	built *building
	stage int
	image Image
}

// finalStage reads the stage that is shipped.
func (f *File) finalStage(last int, built *building) (*Image, error) {
	s := f.stages[last]
	if _, isStage := f.find(s.base, last); isStage {
		return nil, at(line(s.Location), because("ships what stands on another stage"))
	}
	if s.platform != "" && s.platform != f.options.Platform {
		return nil, at(line(s.Location), because("asks for the platform %s", s.platform))
	}
	r := &shipping{variables: newVariables(f), built: built, stage: last}
	r.image = Image{Program: built.program, Labels: map[string]string{}}
	if s.base != "scratch" {
		r.image.Base = s.base
	}
	for _, command := range s.Commands {
		if err := r.read(command); err != nil {
			return nil, at(line(command.Location()), err)
		}
	}
	if r.image.Target == "" {
		return nil, because("the last stage does not copy the program")
	}
	for _, key := range r.order {
		r.image.Env = append(r.image.Env, key+"="+r.env[key])
	}
	r.image.ResetCmd = r.image.Entrypoint != nil && r.image.Cmd == nil
	return &r.image, nil
}

// read follows one instruction of the last stage.
func (r *shipping) read(command instructions.Command) error {
	switch c := command.(type) {
	case *instructions.ArgCommand:
		return r.declare(c)
	case *instructions.EnvCommand:
		return r.set(c)
	case *instructions.CopyCommand:
		return r.copy(c)
	case *instructions.EntrypointCommand:
		return execForm(&r.image.Entrypoint, c.ShellDependantCmdLine, "ENTRYPOINT")
	case *instructions.CmdCommand:
		return execForm(&r.image.Cmd, c.ShellDependantCmdLine, "CMD")
	case *instructions.LabelCommand:
		return r.label(c)
	case *instructions.ExposeCommand:
		return r.expose(c)
	case *instructions.UserCommand:
		if err := c.Expand(r.expand); err != nil {
			return err
		}
		r.image.User = c.User
		return nil
	case *instructions.WorkdirCommand:
		return r.workdir(c)
	case *instructions.StopSignalCommand:
		if err := c.Expand(r.expand); err != nil {
			return err
		}
		r.image.StopSignal = c.Signal
		return nil
	}
	return because("has %s", strings.ToUpper(command.Name()))
}

// execForm reads a command that is written as a list.
func execForm(into *[]string, line instructions.ShellDependantCmdLine, what string) error {
	if line.PrependShell || len(line.CmdLine) == 0 {
		return because("needs a shell: %s %s", what, strings.Join(line.CmdLine, " "))
	}
	*into = line.CmdLine
	return nil
}

// copy follows the line that takes the program from the stage that built it.
func (r *shipping) copy(c *instructions.CopyCommand) error {
	if err := c.Expand(r.expand); err != nil {
		return err
	}
	if err := r.checkCopy(c); err != nil {
		return err
	}
	if err := r.built.copied(c.SourcePaths[0]); err != nil {
		return err
	}
	if r.image.WorkingDir == "" && !path.IsAbs(c.DestPath) && r.image.Base != "" {
		return because("copies to %s, seen from the working directory of %s", c.DestPath, r.image.Base)
	}
	r.image.Target = resolve(path.Join("/", r.image.WorkingDir), c.DestPath)
	if isFolder(c.DestPath) {
		r.image.Target = path.Join(r.image.Target, path.Base(r.built.program.Output))
	}
	return nil
}

// checkCopy allows one file of an earlier stage, once, as it is there.
func (r *shipping) checkCopy(c *instructions.CopyCommand) error {
	if c.From == "" || len(c.SourcePaths) != 1 || len(c.SourceContents) > 0 {
		return because("copies files")
	}
	if _, ok := r.file.find(c.From, r.stage); !ok {
		return because("copies from the image %s", c.From)
	}
	if c.Chown != "" || c.Chmod != "" || len(c.ExcludePatterns) > 0 || c.Parents {
		return because("copies with a flag that is not followed: %s", c.String())
	}
	if r.image.Target != "" {
		return because("copies a second time")
	}
	return nil
}

// isFolder reports whether a destination is one by the way that it is written.
func isFolder(dest string) bool {
	base := path.Base(dest)
	return strings.HasSuffix(dest, "/") || base == "." || base == ".."
}

func (r *shipping) label(c *instructions.LabelCommand) error {
	if err := c.Expand(r.expand); err != nil {
		return err
	}
	for _, pair := range c.Labels {
		r.image.Labels[pair.Key] = pair.Value
	}
	return nil
}

var port = regexp.MustCompile(`^([0-9]+)(/(?:tcp|udp|sctp))?$`)

func (r *shipping) expose(c *instructions.ExposeCommand) error {
	for _, text := range c.Ports {
		text, err := r.expand(text)
		if err != nil {
			return err
		}
		m := port.FindStringSubmatch(text)
		if m == nil {
			return because("exposes %s", text)
		}
		if m[2] == "" {
			text += "/tcp"
		}
		r.image.Ports = append(r.image.Ports, text)
	}
	return nil
}

func (r *shipping) workdir(c *instructions.WorkdirCommand) error {
	if err := c.Expand(r.expand); err != nil {
		return err
	}
	if r.image.WorkingDir == "" && r.image.Base != "" && !path.IsAbs(c.Path) {
		return because("enters %s, seen from the working directory of %s", c.Path, r.image.Base)
	}
	r.image.WorkingDir = resolve(path.Join("/", r.image.WorkingDir), c.Path)
	if r.image.Target != "" && strings.HasPrefix(r.image.WorkingDir+"/", r.image.Target+"/") {
		return because("enters %s, which is the program", c.Path)
	}
	r.image.Folders = append(r.image.Folders, r.image.WorkingDir)
	return nil
}
