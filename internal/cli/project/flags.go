package project

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// specFlags are the flags of create and set: each that was given replaces what it is about.
type specFlags struct {
	cmd                             *cobra.Command
	description                     string
	sources, sourceNamespaces       []string
	destinations, accounts, keys    []string
	allowCluster, denyCluster       []string
	allowNamespaced, denyNamespaced []string
	orphaned, orphanedWarn          bool
}

func (f *specFlags) bind(cmd *cobra.Command) {
	f.cmd = cmd
	flags := cmd.Flags()
	flags.StringVar(&f.description, "description", "", "what it is for")
	flags.StringArrayVarP(&f.sources, "src", "s", nil, "repository that is allowed; a glob, and a leading ! denies")
	flags.StringArrayVarP(&f.destinations, "dest", "d", nil, "SERVER,NAMESPACE that is allowed; globs, and a leading ! denies")
	flags.StringSliceVar(&f.sourceNamespaces, "source-namespaces", nil, "namespaces whose Applications may use it")
	flags.StringArrayVar(&f.allowCluster, "allow-cluster-resource", nil, "[GROUP/]KIND[/NAME] without a namespace that is allowed")
	flags.StringArrayVar(&f.denyCluster, "deny-cluster-resource", nil, "[GROUP/]KIND[/NAME] without a namespace that is denied")
	flags.StringArrayVar(&f.allowNamespaced, "allow-namespaced-resource", nil, "[GROUP/]KIND within a namespace that is allowed; all if there are none")
	flags.StringArrayVar(&f.denyNamespaced, "deny-namespaced-resource", nil, "[GROUP/]KIND within a namespace that is denied")
	flags.StringArrayVar(&f.accounts, "dest-service-accounts", nil, "SERVER,NAMESPACE,SERVICEACCOUNT to sync as")
	flags.StringSliceVar(&f.keys, "signature-keys", nil, "IDs of GnuPG keys that commits have to be signed by")
	flags.BoolVar(&f.orphaned, "orphaned-resources", false, "look for objects of its namespaces that no Application has")
	flags.BoolVar(&f.orphanedWarn, "orphaned-resources-warn", false, "warn of these")
}

// apply writes the flags that were given into a spec, and returns how many there were.
func (f *specFlags) apply(spec map[string]any) (edits int, err error) {
	for _, e := range []struct {
		flag string
		do   func(map[string]any) error
	}{
		{"description", func(spec map[string]any) error { spec["description"] = f.description; return nil }},
		{"src", replace(f.sources, text, "sourceRepos")},
		{"source-namespaces", replace(f.sourceNamespaces, text, "sourceNamespaces")},
		{"dest", replace(f.destinations, commaSeparated("server", "namespace"), "destinations")},
		{"dest-service-accounts", replace(f.accounts, commaSeparated("server", "namespace", "defaultServiceAccount"), "destinationServiceAccounts")},
		{"allow-cluster-resource", replace(f.allowCluster, kindPattern, kindLists["cluster"]["allow"])},
		{"deny-cluster-resource", replace(f.denyCluster, kindPattern, kindLists["cluster"]["deny"])},
		{"allow-namespaced-resource", replace(f.allowNamespaced, kindPattern, kindLists["namespace"]["allow"])},
		{"deny-namespaced-resource", replace(f.denyNamespaced, kindPattern, kindLists["namespace"]["deny"])},
		{"signature-keys", replace(f.keys, signatureKey, "signatureKeys")},
		{"orphaned-resources", f.setOrphaned},
		{"orphaned-resources-warn", f.setOrphanedWarn},
	} {
		if !f.cmd.Flags().Changed(e.flag) {
			continue
		}
		if err := e.do(spec); err != nil {
			return edits, kit.Usage("--"+e.flag, err.Error(), "")
		}
		edits++
	}
	return edits, nil
}

func (f *specFlags) setOrphaned(spec map[string]any) error {
	if !f.orphaned {
		delete(spec, "orphanedResources")
	} else if spec["orphanedResources"] == nil {
		spec["orphanedResources"] = map[string]any{}
	}
	return nil
}

func (f *specFlags) setOrphanedWarn(spec map[string]any) error {
	if f.cmd.Flags().Changed("orphaned-resources") && !f.orphaned {
		return fmt.Errorf("given together with --orphaned-resources=false")
	}
	orphaned, ok := spec["orphanedResources"].(map[string]any)
	if !ok {
		orphaned = map[string]any{}
		spec["orphanedResources"] = orphaned
	}
	orphaned["warn"] = f.orphanedWarn
	return nil
}

// replace puts a list in place of what a field has; one empty text empties it.
func replace(values []string, parse func(string) (any, error), field string) func(map[string]any) error {
	return func(spec map[string]any) error {
		var list []any
		for _, v := range values {
			if v == "" && len(values) == 1 {
				break
			}
			element, err := parse(v)
			if err != nil {
				return err
			}
			list = append(list, element)
		}
		set(spec, list, field)
		return nil
	}
}

func text(value string) (any, error) { return value, nil }

// commaSeparated parses as many parts as there are fields.
func commaSeparated(fields ...string) func(string) (any, error) {
	form := strings.ToUpper(strings.Join(fields, ","))
	form = strings.Replace(form, "DEFAULTSERVICEACCOUNT", "SERVICEACCOUNT", 1)
	return func(value string) (any, error) {
		parts := strings.Split(value, ",")
		if len(parts) != len(fields) {
			return nil, fmt.Errorf("%q is not of the form %s", value, form)
		}
		element := map[string]any{}
		for i, field := range fields {
			element[field] = parts[i]
		}
		return element, nil
	}
}

// kindPattern parses [GROUP/]KIND[/NAME]; two parts are a group and a kind.
func kindPattern(value string) (any, error) {
	parts := strings.Split(value, "/")
	switch len(parts) {
	case 1:
		return fieldsOf(map[string]string{"group": "", "kind": parts[0]}), nil
	case 2:
		return fieldsOf(map[string]string{"group": parts[0], "kind": parts[1]}), nil
	case 3:
		return fieldsOf(map[string]string{"group": parts[0], "kind": parts[1], "name": parts[2]}, "name"), nil
	}
	return nil, fmt.Errorf("%q is not of the form [GROUP/]KIND[/NAME]", value)
}

func signatureKey(id string) (any, error) {
	if err := checkKeys("--signature-keys", id); err != nil {
		return nil, fmt.Errorf("%q is not the ID of a gpg or ssh key", id)
	}
	return map[string]any{"keyID": writtenKey(id)}, nil
}
