package cli

import "github.com/cyan-cd/cyan/internal/cli/kit"

const (
	editProject     = "change the AppProject with `kubectl edit appproject`"
	noTokens        = "there is no server that takes such tokens: make one for a service account with `kubectl create token`"
	byProxy         = "rights are those of the kubeconfig's user: see `kubectl auth`"
	noAnalysis      = "Experiments and AnalysisRuns are not run yet"
	noNotifications = "no notifications are sent yet"
	noChange        = "change what is there with `cluster add --upsert`"
)

// argocdNotServed are the commands of the argocd program that Cyan has not.
var argocdNotServed = kit.NotServed{
	"account":   byProxy,
	"configure": "there is nothing to configure but the kubeconfig",
	"context":   "choose the kubeconfig's context by --context, or with `kubectl config use-context`",

	"admin app":                    "`app get` shows what was compared, and `app create` takes a file",
	"admin cluster":                "`cluster list` shows the clusters, and `cluster add` registers one",
	"admin dashboard":              "a web page does not exist yet",
	"admin export":                 "back up with kubectl: applications, appprojects, and the Secrets and ConfigMaps beside them, as YAML",
	"admin import":                 "restore with `kubectl apply`",
	"admin notifications":          noNotifications,
	"admin proj":                   editProject,
	"admin redis-initial-password": "Cyan runs without redis",
	"admin repo":                   "register repositories with `repo add`",
	"admin settings":               "change the ConfigMaps with kubectl",

	"app actions":         "use kubectl, and `kubectl argo rollouts` for Rollouts",
	"app add-source":      "change spec.sources with `app edit`",
	"app delete-resource": "delete it with kubectl",
	"app get-resource":    "read it with kubectl",
	"app patch-resource":  "change it with kubectl",
	"app remove-source":   "change spec.sources with `app edit`",
	"app rename":          "create it under its new name, and delete the old one with --cascade=false",

	"appset": "ApplicationSets are not generated yet; create the Applications",
	"cert":   "change the ConfigMaps argocd-tls-certs-cm and argocd-ssh-known-hosts-cm with kubectl",
	"gpg":    "signatures of commits are not checked yet",

	"cluster rotate-auth": noChange,
	"cluster set":         noChange,
	"repo get":            "`repo list -o yaml` shows all",

	"proj role create-token": noTokens,
}

// pluginNotServed are the commands of kubectl's plugin for Rollouts that Cyan has not.
var pluginNotServed = kit.NotServed{
	"create":           "create objects with `kubectl create`",
	"dashboard":        "a web page does not exist yet",
	"notifications":    noNotifications,
	"retry experiment": noAnalysis,
	"retry exp":        noAnalysis,
}
