package project

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/project"
)

func newDestinations(a *kit.Control) []*cobra.Command {
	byName := false
	match := func(args []string) func(any) bool {
		return func(element any) bool {
			return has(map[string]string{"server": args[0], "namespace": args[1]})(element) || has(map[string]string{"name": args[0], "namespace": args[1]})(element)
		}
	}
	return commands(a, editing{
		use: "add-destination PROJECT SERVER NAMESPACE", short: "Allow a cluster and a namespace", example: "add-destination shop https://kubernetes.default.svc shop",
		what:  []string{"the cluster's URL or name", "the namespace"},
		flags: func(cmd *cobra.Command) { cmd.Flags().BoolVar(&byName, "name", false, "SERVER is the cluster's name") },
		do: func(_ string, args []string) (edit, error) {
			field := "server"
			if byName {
				field = "name"
			}
			return add(map[string]any{field: args[0], "namespace": args[1]}, "destinations"), nil
		},
	}, editing{
		use: "remove-destination PROJECT SERVER NAMESPACE", short: "Allow a cluster and a namespace no longer", example: "remove-destination shop https://kubernetes.default.svc shop",
		what: []string{"the cluster's URL or name", "the namespace"},
		do: func(_ string, args []string) (edit, error) {
			return remove(fmt.Sprintf("destination %s,%s", args[0], args[1]), match(args), "destinations"), nil
		},
	})
}

func newServiceAccounts(a *kit.Control) []*cobra.Command {
	var of string
	return commands(a, editing{
		use: "add-destination-service-account PROJECT SERVER NAMESPACE ACCOUNT", short: "Sync to a cluster and a namespace as a service account",
		example: "add-destination-service-account shop https://kubernetes.default.svc shop deployer",
		what:    []string{"the cluster's URL", "the namespace", "the service account"},
		flags: func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&of, "service-account-namespace", "", "namespace of the service account; that of the destination if not given")
		},
		do: func(_ string, args []string) (edit, error) {
			if strings.Contains(args[0]+args[1], "!") || strings.ContainsAny(args[2]+of, "!*") {
				return nil, kit.Usage("add-destination-service-account", "a cluster or namespace has a !, or a service account is a pattern", "name one service account")
			}
			account := args[2]
			if of != "" {
				account = of + ":" + account
			}
			return add(map[string]any{"server": args[0], "namespace": args[1], "defaultServiceAccount": account}, "destinationServiceAccounts"), nil
		},
	}, editing{
		use: "remove-destination-service-account PROJECT SERVER NAMESPACE ACCOUNT", short: "Sync to a cluster and a namespace as that service account no longer",
		example: "remove-destination-service-account shop https://kubernetes.default.svc shop deployer",
		what:    []string{"the cluster's URL", "the namespace", "the service account"},
		do: func(_ string, args []string) (edit, error) {
			match := has(map[string]string{"server": args[0], "namespace": args[1], "defaultServiceAccount": args[2]})
			return remove("service account "+args[2]+" of "+args[0]+","+args[1], match, "destinationServiceAccounts"), nil
		},
	})
}

func newSources(a *kit.Control) []*cobra.Command {
	text := func(use, short, what, field string) []editing {
		name := strings.Fields(use)[0]
		return []editing{{
			use: "add-" + use, short: "Allow " + short, example: "add-" + name + " shop " + exampleOf(field), what: []string{what},
			do: func(_ string, args []string) (edit, error) { return add(args[0], field), nil },
		}, {
			use: "remove-" + use, short: "Allow " + short + " no longer", example: "remove-" + name + " shop " + exampleOf(field), what: []string{what},
			do: func(_ string, args []string) (edit, error) { return remove(args[0], is(args[0]), field), nil },
		}}
	}
	return commands(a, append(text("source PROJECT URL", "a repository", "the repository's URL", "sourceRepos"),
		text("source-namespace PROJECT NAMESPACE", "Applications of a namespace", "the namespace", "sourceNamespaces")...)...)
}

func exampleOf(field string) string {
	if field == "sourceRepos" {
		return "https://git.example/shop"
	}
	return "team-a"
}

func newOrphans(a *kit.Control) []*cobra.Command {
	var name string
	flags := func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&name, "name", "", "only objects of this name; a glob")
	}
	key := func(args []string) map[string]string {
		return map[string]string{"group": args[0], "kind": args[1], "name": name}
	}
	return commands(a, editing{
		use: "add-orphaned-ignore PROJECT GROUP KIND", short: "Leave a kind out of the warning of orphaned objects", example: "add-orphaned-ignore shop v1 ConfigMap",
		what: []string{theGroup, "the kind"}, flags: flags,
		do: func(_ string, args []string) (edit, error) {
			return add(fieldsOf(key(args), "name"), "orphanedResources", "ignore"), nil
		},
	}, editing{
		use: "remove-orphaned-ignore PROJECT GROUP KIND", short: "Leave a kind out of that warning no longer", example: "remove-orphaned-ignore shop v1 ConfigMap",
		what: []string{theGroup, "the kind"}, flags: flags,
		do: func(_ string, args []string) (edit, error) {
			return remove(args[0]+"/"+args[1], has(key(args)), "orphanedResources", "ignore"), nil
		},
	})
}

// checkKeys wants IDs of keys: of a gpg key 16 hexadecimal digits or its whole fingerprint, of an ssh key the
// fingerprint.
func checkKeys(flag string, ids ...string) error {
	for _, id := range ids {
		if _, err := project.ParseKeyID(id); err != nil {
			return kit.Usage(flag, err.Error(), "give the last 16 hexadecimal digits of a gpg key, or SHA256:… of an ssh key")
		}
	}
	return nil
}

// writtenKey is an ID as it is stored.
func writtenKey(id string) string {
	if project.IsSSHKey(id) {
		return id
	}
	return strings.ToUpper(id)
}

func newSignatureKeys(a *kit.Control) []*cobra.Command {
	return commands(a, editing{
		use: "add-signature-key PROJECT KEY-ID", short: "Allow commits that this gpg or ssh key signed", example: "add-signature-key shop 4AEE18F83AFDEB23", what: []string{"the key's ID"},
		do: func(_ string, args []string) (edit, error) {
			return add(map[string]any{"keyID": writtenKey(args[0])}, "signatureKeys"), checkKeys("KEY-ID", args[0])
		},
	}, editing{
		use: "remove-signature-key PROJECT KEY-ID", short: "Allow commits of this gpg or ssh key no longer", example: "remove-signature-key shop 4AEE18F83AFDEB23", what: []string{"the key's ID"},
		do: func(_ string, args []string) (edit, error) {
			match := func(element any) bool {
				fields, _ := element.(map[string]any)
				id, _ := fields["keyID"].(string)
				return writtenKey(id) == writtenKey(args[0])
			}
			return remove("key "+args[0], match, "signatureKeys"), nil
		},
	})
}

// The lists of kinds, as a spec calls them.
var kindLists = map[string]map[string]string{
	"cluster":   {"allow": "clusterResourceWhitelist", "deny": "clusterResourceBlacklist"},
	"namespace": {"allow": "namespaceResourceWhitelist", "deny": "namespaceResourceBlacklist"},
}

// newKinds makes the commands that allow and deny kinds. What is in no list of cluster kinds is denied, and what is in
// none of namespaced kinds is allowed; so the first change both lists, and the others the one of what is denied.
func newKinds(a *kit.Control) []*cobra.Command {
	var all []editing
	for _, scope := range []string{"cluster", "namespace"} {
		for _, verb := range []string{"allow", "deny"} {
			all = append(all, kindEditing(scope, verb))
		}
	}
	return commands(a, all...)
}

func kindEditing(scope, verb string) editing {
	var list string
	e := editing{
		use: verb + "-" + scope + "-resource PROJECT GROUP KIND", example: verb + "-" + scope + "-resource shop apps Deployment",
		short: map[string]string{"allow": "Allow a kind ", "deny": "Deny a kind "}[verb] + map[string]string{"cluster": "without a namespace", "namespace": "within a namespace"}[scope],
		what:  []string{theGroup, "the kind"},
		flags: func(cmd *cobra.Command) {
			usage := "change only this list: allow or deny"
			cmd.Flags().StringVarP(&list, "list", "l", "", usage)
		},
		do: func(_ string, args []string) (edit, error) {
			kind := map[string]string{"group": args[0], "kind": args[1], "name": ""}
			if len(args) > 2 {
				kind["name"] = args[2]
			}
			lists := []string{"allow", "deny"}
			switch {
			case list == "allow" || list == "deny":
				lists = []string{list}
			case list != "":
				return nil, kit.Usage("--list", fmt.Sprintf("unknown list %q", list), "give allow or deny")
			case scope == "namespace":
				lists = []string{"deny"}
			}
			var edits []edit
			for _, l := range lists {
				if l == verb {
					edits = append(edits, add(fieldsOf(kind, "name"), kindLists[scope][l]))
				} else {
					edits = append(edits, discard(has(kind), kindLists[scope][l]))
				}
			}
			return both(edits...), nil
		},
	}
	if scope == "cluster" {
		e.use, e.more = e.use+" [NAME]", 1
	}
	if scope == "cluster" {
		e.example = verb + "-cluster-resource shop rbac.authorization.k8s.io ClusterRole"
	}
	return e
}
