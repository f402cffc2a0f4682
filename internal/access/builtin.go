package access

import "strings"

// The roles that are always there.
const (
	RoleReadOnly = rolePrefix + "readonly"
	RoleAdmin    = rolePrefix + "admin"
)

// builtIn has the actions of the roles that are always there, by role and resource.
var builtIn = []struct {
	role, resource string
	actions        []string
}{
	{RoleReadOnly, Applications, []string{Get}},
	{RoleReadOnly, ApplicationSets, []string{Get}},
	{RoleReadOnly, Certificates, []string{Get}},
	{RoleReadOnly, Clusters, []string{Get}},
	{RoleReadOnly, Repositories, []string{Get}},
	{RoleReadOnly, WriteRepositories, []string{Get}},
	{RoleReadOnly, Projects, []string{Get}},
	{RoleReadOnly, Accounts, []string{Get}},
	{RoleReadOnly, GPGKeys, []string{Get}},
	{RoleReadOnly, Logs, []string{Get}},
	{RoleReadOnly, Rollouts, []string{Get}},
	{RoleReadOnly, Deliveries, []string{Get}},

	{RoleAdmin, Applications, []string{Create, Update, "update/*", Delete, "delete/*", Sync, Rollback, Override, "action/*"}},
	{RoleAdmin, ApplicationSets, []string{Get, Create, Update, Delete}},
	{RoleAdmin, Certificates, []string{Create, Update, Delete}},
	{RoleAdmin, Clusters, []string{Create, Update, Delete}},
	{RoleAdmin, Repositories, []string{Create, Update, Delete}},
	{RoleAdmin, WriteRepositories, []string{Create, Update, Delete}},
	{RoleAdmin, Projects, []string{Create, Update, Delete}},
	{RoleAdmin, Accounts, []string{Update}},
	{RoleAdmin, GPGKeys, []string{Create, Delete}},
	{RoleAdmin, Exec, []string{Create, Debug}},
	{RoleAdmin, Rollouts, []string{Promote, Abort, Retry, Undo, Pause, Restart, SetImage}},
}

// withSlash are the resources whose objects have a project before their name, always.
var withSlash = map[string]bool{Applications: true, ApplicationSets: true, Logs: true, Exec: true, Rollouts: true, Deliveries: true}

// builtInText returns the lines of the built-in roles, as they would be written.
func builtInText() string {
	var lines []string
	for _, b := range builtIn {
		object := "*"
		if withSlash[b.resource] {
			object = "*/*"
		}
		for _, action := range b.actions {
			lines = append(lines, strings.Join([]string{"p", b.role, b.resource, action, object, "allow"}, ", "))
		}
	}
	lines = append(lines, "g, "+RoleAdmin+", "+RoleReadOnly, "g, "+AdminName+", "+RoleAdmin)
	return strings.Join(lines, "\n")
}
