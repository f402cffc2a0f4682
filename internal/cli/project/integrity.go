package project

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// policyPath is where a spec has the policies of signatures.
var policyPath = []string{"sourceIntegrity", "git", "policies"}

func newSourceIntegrity(a *kit.Control) *cobra.Command {
	group := func(use, short string, below ...*cobra.Command) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Example: "  cyan proj source-integrity git policies list shop"}
		cmd.AddCommand(below...)
		return cmd
	}
	policies := group("policies", "Policies: which keys have to have signed the commits of which repositories", append(newPolicyEdits(a), newPolicies(a))...)
	return group("source-integrity", "Signatures that a project asks of its sources", group("git", "Signatures of commits", policies))
}

func newPolicies(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use: "list PROJECT", Short: "List the policies", Example: "  cyan proj source-integrity git policies list shop", Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := specRead(cmd, a, &kit.Format{}, args[0])
			if err != nil {
				return err
			}
			rows := [][]string{{"ID", "REPOSITORIES", "GPG MODE", "GPG KEYS"}}
			for i, element := range elements(spec, policyPath...) {
				policy, _ := element.(map[string]any)
				gpg, _ := policy["gpg"].(map[string]any)
				rows = append(rows, []string{strconv.Itoa(i), strings.Join(urlsOf(policy), ","), word(gpg["mode"]), strings.Join(keysOf(gpg), ",")})
			}
			return a.Table(rows, 1)
		},
	}
}

func urlsOf(policy map[string]any) (urls []string) {
	for _, r := range elements(policy, "repos") {
		repo, _ := r.(map[string]any)
		urls = append(urls, word(repo["url"]))
	}
	return urls
}

func keysOf(gpg map[string]any) (keys []string) {
	for _, k := range elements(gpg, "keys") {
		keys = append(keys, word(k))
	}
	return keys
}

// policyFlags are the flags of add and update.
type policyFlags struct {
	cmd                          *cobra.Command
	repos, addRepos, deleteRepos []string
	keys, addKeys, deleteKeys    []string
	mode                         string
	yes                          bool
}

func (f *policyFlags) bind(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().StringSliceVar(&f.repos, "repo-url", nil, "URL of a repository; a glob; may be repeated")
	cmd.Flags().StringSliceVar(&f.keys, "gpg-key", nil, "ID of a GnuPG key; may be repeated")
	cmd.Flags().StringVar(&f.mode, "gpg-mode", "", "head (the commit or tag that is synced), none, or strict (all before it), which the server does not serve")
}

func (f *policyFlags) bindUpdate(cmd *cobra.Command) {
	f.bind(cmd)
	cmd.Flags().StringSliceVar(&f.addRepos, "add-repo-url", nil, "one more URL")
	cmd.Flags().StringSliceVar(&f.deleteRepos, "delete-repo-url", nil, "one URL less")
	cmd.Flags().StringSliceVar(&f.addKeys, "add-gpg-key", nil, "one more key")
	cmd.Flags().StringSliceVar(&f.deleteKeys, "delete-gpg-key", nil, "one key less")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask; nothing is asked here")
}

func (f *policyFlags) apply(policy map[string]any) error {
	if f.mode != "" && !slices.Contains([]string{"strict", "head", "none"}, f.mode) {
		return kit.Usage("--gpg-mode", fmt.Sprintf("unknown mode %q", f.mode), "give strict, head or none")
	}
	if err := checkKeys("--gpg-key", append(slices.Clone(f.keys), f.addKeys...)...); err != nil {
		return err
	}
	gpg, ok := policy["gpg"].(map[string]any)
	if !ok {
		gpg = map[string]any{}
	}
	if f.mode != "" {
		gpg["mode"] = f.mode
	}
	urls := changed(urlsOf(policy), f.repos, f.addRepos, f.deleteRepos)
	repos := make([]any, len(urls))
	for i, url := range urls {
		repos[i] = map[string]any{"url": url}
	}
	keys := changed(keysOf(gpg), f.keys, f.addKeys, f.deleteKeys)
	gpg["keys"] = texts(keys)
	policy["repos"], policy["gpg"] = repos, gpg
	switch {
	case len(urls) == 0:
		return kit.Usage("--repo-url", "missing", "name a repository, or a glob of URLs")
	case gpg["mode"] == nil:
		return kit.Usage("--gpg-mode", "missing", "give strict, head or none")
	case gpg["mode"] != "none" && len(keys) == 0:
		return kit.Usage("--gpg-key", "missing", "name the keys that sign")
	}
	return nil
}

// warn names what is written and not served.
func (f *policyFlags) warn(a *kit.Control, err error) {
	if err == nil && f.mode == "strict" {
		a.Note("note: mode strict is not served: the project's Applications stand until it is head")
	}
}

// changed returns a list with another one in its place, with more, and with less.
func changed(list, instead, more, less []string) []string {
	if len(instead) > 0 {
		list = instead
	}
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(less, s) })
}

func newPolicyEdits(a *kit.Control) []*cobra.Command {
	var added, updated policyFlags
	return commands(a, editing{
		use: "add PROJECT", short: "Add a policy", example: "source-integrity git policies add shop --repo-url 'https://git.example/*' --gpg-mode strict --gpg-key D56C4FCA57A46444", flags: added.bind,
		do: func(string, []string) (edit, error) {
			policy := map[string]any{}
			err := added.apply(policy)
			added.warn(a, err)
			return add(policy, policyPath...), err
		},
	}, editing{
		use: "update PROJECT ID", short: "Change a policy", example: "source-integrity git policies update shop 0 --gpg-mode head", what: []string{"the policy's ID"}, flags: updated.bindUpdate,
		do: func(_ string, args []string) (edit, error) {
			return func(spec map[string]any) error {
				at, err := policyID(spec, args[0])
				if err != nil {
					return err
				}
				policy, _ := elements(spec, policyPath...)[at].(map[string]any)
				err = updated.apply(policy)
				updated.warn(a, err)
				return err
			}, nil
		},
	}, editing{
		use: "delete PROJECT ID…", short: "Remove policies", example: "source-integrity git policies delete shop 0", what: []string{"the policy's ID"}, more: 100,
		flags: func(cmd *cobra.Command) { cmd.Flags().BoolP("yes", "y", false, "do not ask; nothing is asked here") },
		do: func(_ string, args []string) (edit, error) {
			return func(spec map[string]any) error {
				var gone []int
				for _, id := range args {
					at, err := policyID(spec, id)
					if err != nil {
						return err
					}
					gone = append(gone, at)
				}
				var left []any
				for i, p := range elements(spec, policyPath...) {
					if !slices.Contains(gone, i) {
						left = append(left, p)
					}
				}
				set(spec, left, policyPath...)
				if len(left) == 0 {
					delete(spec, policyPath[0])
				}
				return nil
			}, nil
		},
	})
}

// policyID finds a policy by its place in the list.
func policyID(spec map[string]any, id string) (int, error) {
	n := len(elements(spec, policyPath...))
	at, err := strconv.Atoi(id)
	if err != nil {
		return 0, kit.Usage("ID", fmt.Sprintf("%q is not a number", id), "`proj source-integrity git policies list` lists the IDs")
	}
	if at < 0 || at >= n {
		return 0, &problem.Error{Kind: problem.Absent, Field: "spec." + strings.Join(policyPath, "."), Cause: "policy " + id + " not found", Remedy: fmt.Sprintf("there are %d, counted from 0", n)}
	}
	return at, nil
}
