package kit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// seconds is a duration that is also written as a bare number of seconds, as scripts for argocd do.
type seconds struct{ pflag.Value }

// Set parses a duration or a number of seconds.
func (s seconds) Set(value string) error {
	if strings.Trim(value, "0123456789") == "" && value != "" {
		value += "s"
	}
	return s.Value.Set(value)
}

// Type returns the name of the type in help.
func (s seconds) Type() string { return "duration" }

// AcceptSeconds lets a duration flag be given as a number of seconds.
func AcceptSeconds(flag *pflag.Flag) { flag.Value = seconds{flag.Value} }

// WithTimeout returns ctx with a timeout; zero is none.
func WithTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// WithoutEffect accepts flags that scripts pass and that mean nothing here. A note names each that is given.
func (e *Env) WithoutEffect(root *cobra.Command, why string, flags *pflag.FlagSet) {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		f.Hidden = true
		f.Usage = "has no effect: " + why
		names = append(names, f.Name)
	})
	root.PersistentFlags().AddFlagSet(flags)
	before := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		var given []string
		for _, name := range names {
			if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
				given = append(given, "--"+name)
			}
		}
		if len(given) == 1 {
			e.Note("note: %s has no effect: %s", given[0], why)
		} else if len(given) > 1 {
			e.Note("note: %s have no effect: %s", strings.Join(given, ", "), why)
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}

// Pairs parses KEY=VALUE.
func Pairs(values []string, use func(key, value string)) error {
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not of the form KEY=VALUE", v)
		}
		use(key, value)
	}
	return nil
}

// Put sets a value of a map, which is made when it is nil.
func Put(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

// PutTrue notes a key in a set, which is made when it is nil.
func PutTrue(set *map[string]bool, key string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[key] = true
}

// idle is a flag that is accepted because scripts pass it, and that changes nothing here; it is noted when it is given.
type idle struct {
	env       *Env
	name, why string
}

// Set notes that the flag has no effect.
func (i idle) Set(string) error {
	i.env.Note("note: --%s has no effect: %s", i.name, i.why)
	return nil
}

// String returns no default.
func (i idle) String() string { return "" }

// Type is what help shows of the value.
func (i idle) Type() string { return "string" }

// Idle adds flags to a command that are accepted because scripts pass them, and that change nothing here. A name that
// ends with = takes a value, and one that begins with x, may be written -x; one that the command has is left to it.
func (e *Env) Idle(cmd *cobra.Command, why string, names ...string) {
	for _, name := range names {
		name, value := strings.CutSuffix(name, "=")
		short, long, shortened := strings.Cut(name, ",")
		if !shortened {
			short, long = "", name
		}
		name = long
		if cmd.Flags().Lookup(name) != nil {
			continue
		}
		f := cmd.Flags().VarPF(idle{e, name, why}, name, short, "has no effect: "+why)
		f.Hidden = true
		if !value {
			f.NoOptDefVal = "true"
		}
	}
}
