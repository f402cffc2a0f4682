package project

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
)

func newWindows(a *kit.Control) *cobra.Command {
	cmd := &cobra.Command{
		Use: "windows", Aliases: []string{"window"}, Short: "Times at which a project's Applications may, or may not, be synced",
		Example: `  cyan proj windows add shop --kind deny --schedule "0 22 * * *" --duration 1h --applications '*'
  cyan proj windows list shop`,
	}
	cmd.AddCommand(newWindowsList(a))
	cmd.AddCommand(newWindowEdits(a)...)
	return cmd
}

// windowFlags are what a window is made of, by their fields.
type windowFlags struct {
	cmd  *cobra.Command
	text map[string]*string
	list map[string]*[]string
}

func (f *windowFlags) bind(cmd *cobra.Command) {
	f.cmd, f.text, f.list = cmd, map[string]*string{}, map[string]*[]string{}
	flags := cmd.Flags()
	f.text["schedule"] = flags.String("schedule", "", `when it opens, in cron format, such as "0 22 * * *"`)
	f.text["duration"] = flags.String("duration", "", "how long it stays open, such as 1h")
	f.text["timeZone"] = flags.String("time-zone", "UTC", "IANA name of the schedule's time zone")
	f.text["description"] = flags.String("description", "", "what it is for")
	f.list["applications"] = flags.StringSlice("applications", nil, "names of Applications; globs")
	f.list["namespaces"] = flags.StringSlice("namespaces", nil, "namespaces that are deployed to; globs")
	f.list["clusters"] = flags.StringSlice("clusters", nil, "clusters that are deployed to; globs")
}

// flagOf is the flag of a field.
func flagOf(field string) string {
	if field == "timeZone" {
		return "time-zone"
	}
	return field
}

// apply writes the flags that were given.
func (f *windowFlags) apply(window map[string]any) (changed bool) {
	for field, value := range f.text {
		if f.cmd.Flags().Changed(flagOf(field)) {
			window[field], changed = *value, true
		}
	}
	for field, values := range f.list {
		if f.cmd.Flags().Changed(flagOf(field)) {
			window[field], changed = texts(*values), true
		}
	}
	return changed
}

func newWindowEdits(a *kit.Control) []*cobra.Command {
	var added, updated windowFlags
	var kind string
	var manual, overrun, and bool
	id := []string{"the window's ID"}
	all := commands(a, editing{
		use: "add PROJECT", short: "Add a window", example: `windows add shop --kind allow --schedule "0 22 * * *" --duration 1h --applications '*'`,
		flags: func(cmd *cobra.Command) {
			added.bind(cmd)
			f := cmd.Flags()
			f.StringVarP(&kind, "kind", "k", "", "allow or deny")
			f.BoolVar(&manual, "manual-sync", false, "let people sync in spite of it")
			f.BoolVar(&overrun, "sync-overrun", false, "let a sync that has begun go on")
			f.BoolVar(&and, "use-and-operator", false, "for what fits Applications, namespaces and clusters, and not one of them")
		},
		do: func(string, []string) (edit, error) {
			window := map[string]any{"kind": kind}
			added.apply(window)
			for field, value := range map[string]bool{"manualSync": manual, "syncOverrun": overrun, "andOperator": and} {
				if value {
					window[field] = true
				}
			}
			return add(window, "syncWindows"), checkWindow(window)
		},
	}, editing{
		use: "update PROJECT ID", short: "Change a window", example: `windows update shop 0 --schedule "0 20 * * *"`, what: id, flags: updated.bind,
		do: func(_ string, args []string) (edit, error) {
			return ofWindow(args[0], func(window map[string]any) error {
				if !updated.apply(window) {
					return kit.Usage("proj windows update", "a flag is missing", "name what is to change, such as --schedule")
				}
				return checkWindow(window)
			}), nil
		},
	}, editing{
		use: "delete PROJECT ID", short: "Remove a window", example: "windows delete shop 0", what: id,
		do: func(_ string, args []string) (edit, error) {
			return func(spec map[string]any) error {
				at, err := windowID(spec, args[0])
				if err != nil {
					return err
				}
				windows := elements(spec, "syncWindows")
				set(spec, append(windows[:at:at], windows[at+1:]...), "syncWindows")
				return nil
			}, nil
		},
	})
	for _, s := range []struct{ use, field, short string }{
		{"manual-sync", "manualSync", "people sync in spite of a window"}, {"sync-overrun", "syncOverrun", "a sync that has begun go on when a window says otherwise"},
	} {
		all = append(all, commands(a, editing{
			use: "enable-" + s.use + " PROJECT ID", short: "Let " + s.short, example: "windows enable-" + s.use + " shop 0", what: id,
			do: func(_ string, args []string) (edit, error) {
				return ofWindow(args[0], func(w map[string]any) error { w[s.field] = true; return nil }), nil
			},
		}, editing{
			use: "disable-" + s.use + " PROJECT ID", short: "Do not let " + s.short, example: "windows disable-" + s.use + " shop 0", what: id,
			do: func(_ string, args []string) (edit, error) {
				return ofWindow(args[0], func(w map[string]any) error { delete(w, s.field); return nil }), nil
			},
		})...)
	}
	return all
}

// windowID finds a window by its place in the list, which is how it is named.
func windowID(spec map[string]any, id string) (int, error) {
	n := len(elements(spec, "syncWindows"))
	at, err := strconv.Atoi(id)
	if err != nil {
		return 0, kit.Usage("ID", fmt.Sprintf("%q is not a number", id), "`proj windows list` lists the IDs")
	}
	if at < 0 || at >= n {
		return 0, &problem.Error{Kind: problem.Absent, Field: "spec.syncWindows", Cause: "window " + id + " not found", Remedy: fmt.Sprintf("there are %d, counted from 0", n)}
	}
	return at, nil
}

func ofWindow(id string, do edit) edit {
	return func(spec map[string]any) error {
		at, err := windowID(spec, id)
		if err != nil {
			return err
		}
		window, _ := elements(spec, "syncWindows")[at].(map[string]any)
		return do(window)
	}
}

// checkWindow refuses a window that would never open, or concerns nothing.
func checkWindow(window map[string]any) error {
	typed, err := windowOf(window)
	if err == nil {
		_, err = project.WindowOpen(typed, time.Now())
	}
	if err != nil {
		return kit.Usage("sync window", err.Error(), "")
	}
	if len(typed.Applications)+len(typed.Namespaces)+len(typed.Clusters) == 0 {
		return kit.Usage("sync window", "concerns nothing", "add --applications, --namespaces or --clusters")
	}
	return nil
}

func windowOf(window any) (typed v1alpha1.SyncWindow, err error) {
	data, err := json.Marshal(window)
	if err != nil {
		return typed, err
	}
	return typed, json.Unmarshal(data, &typed)
}

func newWindowsList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list PROJECT", Aliases: []string{"ls"}, Short: "List the windows of a project", Example: "  cyan proj windows list shop", Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := specRead(cmd, a, &out, args[0])
			if err != nil {
				return err
			}
			windows := elements(spec, "syncWindows")
			if out.Machine() {
				return a.Dump(windows, out.Value)
			}
			rows := [][]string{{"ID", "STATUS", "KIND", "SCHEDULE", "DURATION", "APPLICATIONS", "NAMESPACES", "CLUSTERS", "MANUALSYNC", "TIMEZONE", "USEANDOPERATOR"}}
			for i, element := range windows {
				w, err := windowOf(element)
				if err != nil {
					return kit.Usage(fmt.Sprintf("spec.syncWindows[%d]", i), err.Error(), "")
				}
				status := "Inactive"
				if open, err := project.WindowOpen(w, time.Now()); err != nil {
					status = "Invalid"
				} else if open {
					status = "Active"
				}
				rows = append(rows, []string{
					strconv.Itoa(i), status, w.Kind, w.Schedule, w.Duration, orDash(w.Applications), orDash(w.Namespaces), orDash(w.Clusters),
					map[bool]string{true: "Enabled", false: "Disabled"}[w.ManualSync], w.TimeZone, strconv.FormatBool(w.UseAndOperator),
				})
			}
			return a.Table(rows, 5)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	return cmd
}

func orDash(values []string) string {
	if len(values) == 0 {
		return "-"
	}
	return strings.Join(values, ",")
}
