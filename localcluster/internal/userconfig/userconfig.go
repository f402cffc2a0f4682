// Package userconfig puts a cluster into the kubeconfig that the user's programs read, and takes it out again.
package userconfig

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Entry is a context in the user's kubeconfig.
type Entry struct {
	// Context names the context, its cluster and its user; "" when there is none.
	Context string
	// Before is the context that was current before; "" for none.
	Before string
	// Files are the kubeconfig that it is in, as $KUBECONFIG names them; "" for those of the environment.
	Files string
}

// Add makes the cluster of a kubeconfig, own, the current context of the user's, by the name or the next free one
// after it. known is its entry of before; it is renewed. Where the user's kubeconfig is own, nothing is to be done.
func Add(own, name string, known Entry) (Entry, error) {
	entry := known
	err := alone(usual(), func() (err error) {
		entry, err = add(own, name, known)
		return err
	})
	return entry, err
}

func add(own, name string, known Entry) (Entry, error) {
	config, err := clientcmd.LoadFromFile(own)
	if err != nil {
		return known, fmt.Errorf("reading %s: %w", own, err)
	}
	cluster, user, err := only(config)
	if err != nil {
		return known, fmt.Errorf("reading %s: %w", own, err)
	}
	files := usual()
	if isAmong(own, files.GetLoadingPrecedence()) {
		return known, nil
	}
	users, err := files.GetStartingConfig()
	if err != nil {
		return known, fmt.Errorf("reading your kubeconfig: %w", err)
	}
	entry := known
	entry.Files = files.String()
	if entry.Context == "" || !isFreeFor(users, entry.Context, cluster) {
		entry.Context = freeName(users, name, cluster)
	}
	if users.CurrentContext != entry.Context {
		entry.Before = users.CurrentContext
	}
	users.Clusters[entry.Context], users.AuthInfos[entry.Context] = cluster, user
	context := api.NewContext()
	context.Cluster, context.AuthInfo = entry.Context, entry.Context
	if before := users.Contexts[entry.Context]; before != nil {
		context.Namespace = before.Namespace
	}
	users.Contexts[entry.Context], users.CurrentContext = context, entry.Context
	if err := clientcmd.ModifyConfig(files, *users, false); err != nil {
		return known, fmt.Errorf("writing your kubeconfig %s: %w", files.GetDefaultFilename(), err)
	}
	return entry, nil
}

// Remove takes the entry of the cluster of a kubeconfig, own, out of the user's, and makes the context current again
// that was so before. An entry that has become another cluster's stays.
func Remove(own string, entry Entry) error {
	if entry.Context == "" {
		return nil
	}
	files := usual()
	if entry.Files != "" {
		files = named(entry.Files)
	}
	if !files.exist() {
		return nil
	}
	return alone(files, func() error { return remove(files, own, entry) })
}

func remove(files files, own string, entry Entry) error {
	config, err := clientcmd.LoadFromFile(own)
	if err != nil {
		return fmt.Errorf("reading %s: %w", own, err)
	}
	cluster, _, err := only(config)
	if err != nil {
		return fmt.Errorf("reading %s: %w", own, err)
	}
	users, err := files.GetStartingConfig()
	if err != nil {
		return fmt.Errorf("reading your kubeconfig: %w", err)
	}
	if _, there := users.Clusters[entry.Context]; !there || !isFreeFor(users, entry.Context, cluster) {
		return nil
	}
	delete(users.Clusters, entry.Context)
	delete(users.AuthInfos, entry.Context)
	delete(users.Contexts, entry.Context)
	if users.CurrentContext == entry.Context {
		users.CurrentContext = ""
		if _, there := users.Contexts[entry.Before]; there {
			users.CurrentContext = entry.Before
		}
	}
	if err := clientcmd.ModifyConfig(files, *users, false); err != nil {
		return fmt.Errorf("writing your kubeconfig %s: %w", files.GetDefaultFilename(), err)
	}
	return nil
}

// only returns the cluster and the user of the current context of a kubeconfig.
func only(config *api.Config) (*api.Cluster, *api.AuthInfo, error) {
	context := config.Contexts[config.CurrentContext]
	if context == nil || config.Clusters[context.Cluster] == nil || config.AuthInfos[context.AuthInfo] == nil {
		return nil, nil, fmt.Errorf("context %q: its cluster or its user is missing", config.CurrentContext)
	}
	cluster, user := config.Clusters[context.Cluster].DeepCopy(), config.AuthInfos[context.AuthInfo].DeepCopy()
	cluster.LocationOfOrigin, user.LocationOfOrigin = "", ""
	return cluster, user, nil
}

// isFreeFor reports whether a name is nobody's, or the same cluster's: whoever has its authority is the same, wherever
// it listens by now.
func isFreeFor(users *api.Config, name string, cluster *api.Cluster) bool {
	there := users.Clusters[name]
	if there == nil {
		return users.Contexts[name] == nil && users.AuthInfos[name] == nil
	}
	return bytes.Equal(there.CertificateAuthorityData, cluster.CertificateAuthorityData)
}

func freeName(users *api.Config, name string, cluster *api.Cluster) string {
	free := name
	for n := 2; !isFreeFor(users, free, cluster); n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	return free
}

func isAmong(path string, all []string) bool {
	return slices.ContainsFunc(all, func(other string) bool {
		a, err := filepath.Abs(other)
		return err == nil && a == path
	})
}
