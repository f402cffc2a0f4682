package access

import (
	"fmt"
	"strings"
)

const settingsName = "argocd-cm"

// Options are what settings ask of requests beyond the policies.
type Options struct {
	// RollbackOwn has a rollback need the action rollback, where sync is enough otherwise.
	RollbackOwn bool
	// InheritFineGrained lets who may update or delete an Application do so with its objects.
	InheritFineGrained bool
	// RevisionOverride has a sync to another revision than the Application's own need the action override.
	RevisionOverride bool
}

func optionsOf(settings map[string]string, found *findings) Options {
	flag := func(key string, otherwise bool) bool {
		switch text := strings.TrimSpace(settings[key]); text {
		case "":
			return otherwise
		case "true":
			return true
		case "false":
			return false
		default:
			found.find(keyProblem(settingsName, key, fmt.Sprintf("%q is neither true nor false, taken for true", shortened(text)), "write true or false"))
			return true
		}
	}
	// What cannot be read is taken for true, which asks for more rights in each of the three.
	return Options{
		RollbackOwn:        flag("server.rbac.rollback.enforce.enable", false),
		InheritFineGrained: !flag("server.rbac.disableApplicationFineGrainedRBACInheritance", true),
		RevisionOverride:   flag("application.sync.requireOverridePrivilegeForRevisionSync", false),
	}
}
