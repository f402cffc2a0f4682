package project

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// rolesNote is about the roles of projects: they bound who calls the HTTP API, and nobody else.
const rolesNote = "note: roles of projects hold for the HTTP API (cyan server --api-listen); commands have the rights of the kubeconfig"

func newRole(a *kit.Control) *cobra.Command {
	cmd := &cobra.Command{
		Use: "role", Short: "Roles of a project, which hold for the HTTP API; commands have the rights of the kubeconfig",
		Example: "  cyan proj role list shop",
	}
	cmd.AddCommand(newRoleList(a), newRoleGet(a), newRoleTokens(a), newCreateToken(a), newDeleteToken(a))
	cmd.AddCommand(newRoleEdits(a)...)
	return cmd
}

// roleCalled finds a role of a spec.
func roleCalled(spec map[string]any, name string) (map[string]any, error) {
	all := elements(spec, "roles")
	var there []any
	for _, element := range all {
		role, _ := element.(map[string]any)
		if role["name"] == name {
			return role, nil
		}
		there = append(there, role["name"])
	}
	return nil, absent([]string{"roles"}, "role "+strconv.Quote(name), there)
}

// ofRole makes an edit of a role.
func ofRole(name string, do edit) edit {
	return func(spec map[string]any) error {
		role, err := roleCalled(spec, name)
		if err != nil {
			return err
		}
		return do(role)
	}
}

func newRoleEdits(a *kit.Control) []*cobra.Command {
	var description, resource, action, permission, object string
	policyFlags := func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.StringVarP(&resource, "resource", "r", "applications", "what is acted on, such as applications or logs")
		f.StringVarP(&action, "action", "a", "", "get, create, update, delete, sync, …")
		f.StringVarP(&permission, "permission", "p", "allow", "allow or deny")
		f.StringVarP(&object, "object", "o", "", "name of an object of the project; * for all")
		_ = cmd.MarkFlagRequired("action")
		_ = cmd.MarkFlagRequired("object")
	}
	policy := func(project, role string) (string, error) {
		if permission != "allow" && permission != "deny" {
			return "", kit.Usage("--permission", fmt.Sprintf("unknown permission %q", permission), "give allow or deny")
		}
		return fmt.Sprintf("p, proj:%s:%s, %s, %s, %s/%s, %s", project, role, resource, action, project, object, permission), nil
	}
	role := []string{"the role's name"}
	all := []editing{{
		use: "create PROJECT ROLE", short: "Add a role", example: "role create shop ci", what: role,
		flags: func(cmd *cobra.Command) { cmd.Flags().StringVar(&description, "description", "", "what it is for") },
		do: func(_ string, args []string) (edit, error) {
			return func(spec map[string]any) error {
				if _, err := roleCalled(spec, args[0]); err == nil {
					return kit.Usage("role "+args[0], "exists already", "choose another name")
				}
				return add(fieldsOf(map[string]string{"name": args[0], "description": description}, "description"), "roles")(spec)
			}, nil
		},
	}, {
		use: "delete PROJECT ROLE", short: "Remove a role", example: "role delete shop ci", what: role,
		do: func(_ string, args []string) (edit, error) {
			return remove("role "+strconv.Quote(args[0]), has(map[string]string{"name": args[0]}), "roles"), nil
		},
	}, {
		use: "add-policy PROJECT ROLE", short: "Add a policy to a role", example: "role add-policy shop ci --action sync --object '*'", what: role, flags: policyFlags,
		do: func(project string, args []string) (edit, error) {
			p, err := policy(project, args[0])
			return ofRole(args[0], add(p, "policies")), err
		},
	}, {
		use: "remove-policy PROJECT ROLE", short: "Remove a policy of a role", example: "role remove-policy shop ci --action sync --object '*'", what: role, flags: policyFlags,
		do: func(project string, args []string) (edit, error) {
			p, err := policy(project, args[0])
			return ofRole(args[0], remove(strconv.Quote(p), is(p), "policies")), err
		},
	}, {
		use: "add-group PROJECT ROLE GROUP", short: "Add a group to a role", example: "role add-group shop ci my-org:team", what: append(role, "the group"),
		do: func(_ string, args []string) (edit, error) { return ofRole(args[0], add(args[1], "groups")), nil },
	}, {
		use: "remove-group PROJECT ROLE GROUP", short: "Remove a group of a role", example: "role remove-group shop ci my-org:team", what: append(role, "the group"),
		do: func(_ string, args []string) (edit, error) {
			return ofRole(args[0], remove("group "+args[1], is(args[1]), "groups")), nil
		},
	}}
	for i := range all {
		all[i].note = rolesNote
	}
	return commands(a, all...)
}

func newRoleList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list PROJECT", Aliases: []string{"ls"}, Short: "List the roles of a project", Example: "  cyan proj role list shop", Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := specRead(cmd, a, &out, args[0])
			if err != nil {
				return err
			}
			roles := elements(spec, "roles")
			if out.Machine() {
				return a.Dump(roles, out.Value)
			}
			rows := [][]string{{"ROLE-NAME", "DESCRIPTION"}}
			for _, element := range roles {
				role, _ := element.(map[string]any)
				if out.Value == kit.Name {
					if err := a.Say(word(role["name"])); err != nil {
						return err
					}
				}
				rows = append(rows, []string{word(role["name"]), word(role["description"])})
			}
			if out.Value == kit.Name {
				return nil
			}
			return a.Table(rows, 1)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	return cmd
}

// specRead checks the format and reads the spec of a project.
func specRead(cmd *cobra.Command, a *kit.Control, out *kit.Format, project string) (map[string]any, error) {
	if err := out.Check(); err != nil {
		return nil, err
	}
	c, err := a.Connect()
	if err != nil {
		return nil, err
	}
	p, err := read(cmd.Context(), a, c, project)
	if err != nil {
		return nil, err
	}
	return specOf(p), nil
}

func word(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func newRoleGet(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use: "get PROJECT ROLE", Short: "Show a role of a project", Example: "  cyan proj role get shop ci", Args: kit.Exactly("the project's name", "the role's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := specRead(cmd, a, &kit.Format{}, args[0])
			if err != nil {
				return err
			}
			role, err := roleCalled(spec, args[1])
			if err != nil {
				return err
			}
			lines := []string{"Role Name:     " + word(role["name"]), "Description:   " + word(role["description"]), "Policies:"}
			for _, p := range elements(role, "policies") {
				lines = append(lines, word(p))
			}
			lines = append(lines, "Groups:")
			for _, g := range elements(role, "groups") {
				lines = append(lines, word(g))
			}
			lines = append(lines, "JWT Tokens:")
			if err := a.SayAll(lines); err != nil {
				return err
			}
			return a.Table(tokenRows(role, false), 0)
		},
	}
}

func newRoleTokens(a *kit.Control) *cobra.Command {
	var unix bool
	cmd := &cobra.Command{
		Use: "list-tokens PROJECT ROLE", Short: "List the entries of tokens of a role", Example: "  cyan proj role list-tokens shop ci",
		Args: kit.Exactly("the project's name", "the role's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := specRead(cmd, a, &kit.Format{}, args[0])
			if err != nil {
				return err
			}
			role, err := roleCalled(spec, args[1])
			if err != nil {
				return err
			}
			return a.Table(tokenRows(role, unix), 0)
		},
	}
	cmd.Flags().BoolVarP(&unix, "unixtime", "u", false, "times as numbers of seconds")
	return cmd
}

func tokenRows(role map[string]any, unix bool) [][]string {
	rows := [][]string{{"ID", "ISSUED-AT", "EXPIRES-AT"}}
	for _, element := range elements(role, "jwtTokens") {
		token, _ := element.(map[string]any)
		rows = append(rows, []string{word(token["id"]), tokenTime(token["iat"], unix), tokenTime(token["exp"], unix)})
	}
	return rows
}

func tokenTime(value any, unix bool) string {
	seconds, err := strconv.ParseInt(word(value), 10, 64)
	switch {
	case value == nil || err != nil && strings.TrimSpace(word(value)) == "" || seconds == 0 && err == nil:
		return "<none>"
	case unix || err != nil:
		return word(value)
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}
