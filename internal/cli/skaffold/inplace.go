package skaffold

import (
	"cmp"
	"os"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// InPlace are the flags of a loop on the objects of an Application.
type InPlace struct {
	asked       bool
	application string
	promote     bool
}

// Register adds the flags.
func (p *InPlace) Register(flags *pflag.FlagSet) {
	flags.BoolVar(&p.asked, "in-place", false, "work on the very objects that an Application manages: it hands them over for as long as the loop runs")
	flags.StringVar(&p.application, "application", "", "with --in-place: [NAMESPACE/]NAME of the Application (default: the one that manages what is rendered)")
	flags.BoolVar(&p.promote, "promote", false, "with --in-place: blue-green Rollouts switch to each save; without it only their preview shows it")
}

// Options returns what is asked for; nil for a loop that has objects of its own. refused are flags that were given and
// that have no place beside --in-place, by their names.
func (p *InPlace) Options(refused ...Given) (*devloop.InPlace, error) {
	if !p.asked {
		for _, given := range []Given{{Flag: "--application", Is: p.application != ""}, {Flag: "--promote", Is: p.promote}} {
			if given.Is {
				return nil, kit.Usage(given.Flag, "given without --in-place", "add --in-place, or leave it out: a loop of its own switches by itself")
			}
		}
		return nil, nil
	}
	for _, flag := range refused {
		if flag.Is {
			return nil, kit.Usage(flag.Flag, "given with --in-place", "leave it out: "+flag.Remedy)
		}
	}
	return &devloop.InPlace{Application: p.application, Control: cmp.Or(os.Getenv("ARGOCD_APP_NAMESPACE"), "argocd"), Promote: p.promote}, nil
}

// Given is a flag, whether it was given, and why it does not go with another.
type Given struct {
	Flag   string
	Is     bool
	Remedy string
}

// NotInPlace are flags of every loop that have no place beside --in-place.
func NotInPlace(namespace, kept bool) []Given {
	return []Given{
		{"--namespace", namespace, "objects go where the Application has them"},
		{"--cleanup=false", kept, "what git wants comes back when the loop ends; commit what is to stay"},
	}
}
