package skaffold

import (
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Consent is whether a project may do what its owner is asked for first: run commands on this machine, or give a
// builder secrets of it.
type Consent struct {
	trust bool
	given func() bool
	// asked is set once there was an answer: a loop that runs does not ask again.
	asked bool
	// known are the things that there is consent for, or that were shown.
	known map[string]bool
}

// Bind adds the flag.
func (c *Consent) Bind(flags *pflag.FlagSet) {
	flags.BoolVar(&c.trust, "trust-hooks", false, "run the commands of the file on this machine, and give builders its secrets, without asking; false leaves them out")
	c.given = func() bool { return flags.Changed("trust-hooks") }
}

// Of returns the project as there is consent for it. What it asks for is shown before anything of it is done; without
// an answer it is an error.
func (c *Consent) Of(e *kit.Env, p skaffold.Project) (skaffold.Project, error) {
	var lines []string
	for _, asked := range p.Consents(runtime.GOOS) {
		if line := asked.String(); !c.known[line] {
			lines = append(lines, line)
		}
	}
	refused := c.given != nil && c.given() && !c.trust
	if len(lines) > 0 && !c.trust && !refused {
		if err := c.ask(e, p, lines); err != nil {
			return p, err
		}
	}
	c.asked = true
	for _, line := range lines {
		kit.PutTrue(&c.known, line)
		switch {
		case refused:
			e.Note("warning: left out: %s", line)
		case c.trust:
			e.Note("note: %s", line)
		}
	}
	if refused {
		return p.WithoutConsent(), nil
	}
	return p, nil
}

// ask asks for consent, once.
func (c *Consent) ask(e *kit.Env, p skaffold.Project, lines []string) error {
	var err error
	if !c.asked {
		err = e.Confirm("The file\n  "+strings.Join(lines, "\n  ")+"\non this machine. Do you agree?", false)
	}
	if err == nil && !c.asked {
		return nil
	}
	return &problem.Error{
		Kind: problem.Refused, Object: orElse(p.File, "file"), Cause: "without consent to what it does on this machine:\n  " + strings.Join(lines, "\n  "),
		Remedy: "give --trust-hooks to agree, or --trust-hooks=false to go on without", Err: err,
	}
}
