package cli

import "github.com/cyan-cd/cyan/internal/cli/kit"

const (
	editProject     = "change the AppProject with `kubectl edit appproject`"
	byLogin         = "`account generate-token` makes a token, and `account get-user-info` shows who is logged in"
	noAnalysis      = "Experiments and AnalysisRuns are not run yet"
	noNotifications = "no notifications are sent yet"
	noHelm          = "charts are not rendered: commit what `helm template` makes"
	noPlugins       = "plugins are not run: commit what they make"
	noCloud         = "give a token, a password or a key"
	noHydrator      = "manifests are not hydrated: commit what is to be deployed"
)

// argocdNotServed are the commands of the argocd program that Cyan has not.
var argocdNotServed = kit.NotServed{
	"account session-token": byLogin,
	"configure":             "there is nothing to configure but the kubeconfig",

	"admin app":                         "`app get` shows what was compared, and `app create` takes a file",
	"admin cluster":                     "`cluster list` shows the clusters, and `cluster add` registers one",
	"admin dashboard":                   "a web page does not exist yet",
	"admin settings resource-overrides": "`admin settings validate` checks them; health is shown by `app get`",
	"admin notifications":               noNotifications,
	"admin proj":                        editProject,
	"admin redis-initial-password":      "Cyan runs without redis",
	"admin repo":                        "register repositories with `repo add`",

	"app rename": "create it under its new name, and delete the old one with --cascade=false",

	"appset": "ApplicationSets are not generated yet; create the Applications",
}

// pluginNotServed are the commands of kubectl's plugin for Rollouts that Cyan has not.
var pluginNotServed = kit.NotServed{
	"create":           "create objects with `kubectl create`",
	"dashboard":        "a web page does not exist yet",
	"notifications":    noNotifications,
	"retry experiment": noAnalysis,
	"retry exp":        noAnalysis,
}

// argocdFlagsNotServed are the flags of the argocd program that Cyan's commands have not.
var argocdFlagsNotServed = kit.NotServedFlags{
	"helm-":    noHelm,
	"jsonnet-": "jsonnet is not rendered: commit what it makes",
	"plugin-":  noPlugins,

	"aws-":                  noCloud,
	"azure-":                noCloud,
	"gcp-":                  noCloud,
	"use-azure-":            noCloud,
	"dry-source-":           noHydrator,
	"sync-source-":          noHydrator,
	"hydrate-to-branch":     noHydrator,
	"hydrated":              noHydrator,
	"tag-prefix":            "give a branch, a tag or a commit by --revision",
	"kustomize-version":     "one version of kustomize is built in",
	"kustomize-kube-":       noHelm,
	"kustomize-api-":        noHelm,
	"config-management-":    noPlugins,
	"directory-disable-":    "name the files with the endings .yaml, .yml or .json",
	"env":                   "use an overlay of kustomize",
	"parameter":             noHelm,
	"pass-credentials":      noHelm,
	"ignore-missing-value-": noHelm,
	"values-literal":        "change spec.source with `app edit`",
	"webhook-manifest-":     "what a webhook tells is rendered once, whatever is set",
	"enable-oci":            "charts and OCI artifacts are not rendered",
	"insecure-oci-":         "charts and OCI artifacts are not rendered",
	"shard":                 "clusters are not sharded",
	"server-proxy-url":      "give --proxy-url",
	"local-repo-root":       "what is synced comes from git: commit it",
	"prune":                 "delete what is not wanted with kubectl: no Application is deleted for not being in a file",
	"local-include":         "--local reads all of a directory",
	"callback":              "the issuer sends the browser back to this machine: give --sso-port",
}

const (
	noTests  = "what is in an image is not looked at: give a command of test[].custom"
	noServer = "events are served to nobody"
)

// skaffoldNotServed are the commands of the skaffold program that Cyan has not.
var skaffoldNotServed = kit.NotServed{
	"credits":            "licenses are in the repository of Cyan",
	"exec":               "custom actions are not run: call their commands",
	"filter":             "images are set by `skaffold render`",
	"find-configs":       "`skaffold diagnose -f FILE` checks one file",
	"fix":                "every version from v1beta11 is read as it is; `skaffold diagnose --yaml-only` prints it as the newest has it",
	"generate-pipeline":  "pipelines are not generated: write a workflow that calls `cyan delivery run`",
	"init":               "write a cyan.yaml, or nothing: `cyan skaffold check` shows what is found in the folder",
	"inspect build-env":  "images are built on this machine",
	"inspect tests":      "`skaffold diagnose` shows the tests of a file",
	"inspect namespaces": "`skaffold render` shows where objects go",
	"job-manifest-paths": "`skaffold diagnose` shows which manifests are deployed",
	"lint":               "`skaffold diagnose` checks the file",
	"lsp":                "`skaffold diagnose` checks the file",
	"options":            "`skaffold COMMAND --help` lists the flags",
	"schema get":         "docs/compatibility.md lists the fields of all versions",
	"survey":             "nothing is reported to anybody",
}

// skaffoldFlagsNotServed are the flags of the skaffold program that Cyan's commands have not.
var skaffoldFlagsNotServed = kit.NotServedFlags{
	"build-env":            "images are built on this machine",
	"cloud-run-":           "containers are run in Kubernetes alone",
	"hydration-dir":        "manifests are printed: give --output",
	"hydrated-":            "manifests are printed: give --output",
	"inventory-":           "kpt packages are not deployed",
	"resource-selector-":   "images are set in every field called image",
	"skip-render":          "render manifests by `skaffold render`, and apply them by `skaffold apply`",
	"status-check-":        "the health of objects is that which GitOps sees, by their kinds",
	"user":                 "nothing is reported to anybody",
	"set":                  "change the values in an overlay of kustomize",
	"set-value-file":       "change the values in an overlay of kustomize",
	"wait-for-connection":  noServer,
	"load-images":          "images are pulled from the registry",
	"protocols":            "Go programs are debugged by Delve, and no others",
	"test-":                noTests,
	"verify-":              "containers are run in the cluster, as a Job each",
	"container-structure-": noTests,
}

const (
	editFile    = "write it into the kustomization.yaml"
	noFunctions = "functions are not run: commit what they make"
)

// kustomizeNotServed are the commands of the kustomize program that Cyan has not.
var kustomizeNotServed = kit.NotServed{
	"cfg":                    "manifests are not edited: change the files, or write patches",
	"create":                 "write a kustomization.yaml with the files in resources",
	"docs":                   "docs/validation.md has what is built and checked",
	"edit add":               editFile,
	"edit alpha-list":        "the kustomization.yaml has them",
	"edit remove":            "remove it from the kustomization.yaml",
	"edit set annotation":    editFile,
	"edit set buildmetadata": editFile,
	"edit set configmap":     editFile,
	"edit set label":         editFile,
	"edit set nameprefix":    editFile,
	"edit set namesuffix":    editFile,
	"edit set namespace":     editFile,
	"edit set replicas":      editFile,
	"edit set secret":        editFile,
	"fn":                     noFunctions,
	"localize":               "clone the repositories that it is built on, and name their folders in resources",
	"open":                   "docs/validation.md has what is built and checked",
}

// kustomizeFlagsNotServed are the flags of the kustomize program that Cyan's commands have not.
var kustomizeFlagsNotServed = kit.NotServedFlags{
	"enable-managedby-label": "write managedByLabel into buildMetadata of the kustomization.yaml",
	"stack-trace":            "an error has the file and what to do",
}
