package dev

import (
	"cmp"
	"os"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// inPlace are the flags of a loop on the objects of an Application.
type inPlace struct {
	asked       bool
	application string
	promote     bool
}

func (p *inPlace) register(flags *pflag.FlagSet) {
	flags.BoolVar(&p.asked, "in-place", false, "work on the very objects that an Application manages: it hands them over for as long as the loop runs")
	flags.StringVar(&p.application, "application", "", "with --in-place: [NAMESPACE/]NAME of the Application (default: the one that manages what is rendered)")
	flags.BoolVar(&p.promote, "promote", false, "with --in-place: blue-green Rollouts switch to each save; without it only their preview shows it")
}

// options returns what is asked for; nil for a loop that has objects of its own.
func (p *inPlace) options(c *command) (*devloop.InPlace, error) {
	if !p.asked {
		for _, given := range []struct {
			flag string
			is   bool
		}{{"--application", p.application != ""}, {"--promote", p.promote}} {
			if given.is {
				return nil, kit.Usage(given.flag, "given without --in-place", "add --in-place, or leave it out: a loop of its own switches by itself")
			}
		}
		return nil, nil
	}
	switch {
	case c.namespace != "":
		return nil, kit.Usage("--namespace", "given with --in-place", "leave it out: objects go where the Application has them")
	case c.cleanup == cleanNever:
		return nil, kit.Usage("--cleanup=false", "given with --in-place", "leave it out: what git wants comes back when the loop ends; commit what is to stay")
	}
	return &devloop.InPlace{Application: p.application, Control: cmp.Or(os.Getenv("ARGOCD_APP_NAMESPACE"), "argocd"), Promote: p.promote}, nil
}
