package userconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// written writes a kubeconfig of one context.
func written(t *testing.T, path, name, server, authority string) string {
	t.Helper()
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: []byte(authority)}
	config.AuthInfos[name] = &api.AuthInfo{Token: name}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func users(t *testing.T) *api.Config {
	t.Helper()
	config, err := clientcmd.NewDefaultPathOptions().GetStartingConfig()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func setUp(t *testing.T) (own, home string) {
	t.Helper()
	dir := t.TempDir()
	home = filepath.Join(dir, "home", "config")
	t.Setenv("KUBECONFIG", home)
	return written(t, filepath.Join(dir, "kubeconfig"), "admin", "https://127.0.0.1:1", "ours"), home
}

// TestRoundTrip: the cluster becomes current, what was there stays, and afterwards all is as before.
func TestRoundTrip(t *testing.T) {
	own, home := setUp(t)
	written(t, home, "work", "https://work.example", "theirs")
	entry, err := Add(own, "cyan", Entry{})
	if err != nil || entry != (Entry{"cyan", "work", home}) {
		t.Fatalf("got %+v, %v", entry, err)
	}
	c := users(t)
	if c.CurrentContext != "cyan" || c.Clusters["cyan"].Server != "https://127.0.0.1:1" || c.AuthInfos["cyan"].Token != "admin" || c.Contexts["cyan"].Cluster != "cyan" || c.Clusters["work"] == nil {
		t.Errorf("got %+v", c)
	}
	if info, err := os.Stat(home); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want it readable by its owner alone", info, err)
	}
	// Started again it listens elsewhere, and a namespace that was chosen stays.
	c.Contexts["cyan"].Namespace = "shop"
	if err := clientcmd.ModifyConfig(clientcmd.NewDefaultPathOptions(), *c, false); err != nil {
		t.Fatal(err)
	}
	written(t, own, "admin", "https://127.0.0.1:2", "ours")
	if again, err := Add(own, "cyan", entry); err != nil || again != entry {
		t.Errorf("again: got %+v, %v", again, err)
	}
	if c := users(t); c.Clusters["cyan"].Server != "https://127.0.0.1:2" || c.Contexts["cyan"].Namespace != "shop" || len(c.Contexts) != 2 {
		t.Errorf("again: got %+v", c)
	}
	if err := Remove(own, entry); err != nil {
		t.Fatal(err)
	}
	if c := users(t); c.CurrentContext != "work" || len(c.Contexts) != 1 || len(c.Clusters) != 1 || len(c.AuthInfos) != 1 {
		t.Errorf("afterwards: got %+v", c)
	}
	if err := Remove(own, entry); err != nil {
		t.Errorf("once more: got %v", err)
	}
}

// TestOthers: what is somebody else's is neither taken over nor removed.
// TestElsewhere: what was added is taken out of the files that it is in, wherever $KUBECONFIG leads by now.
func TestElsewhere(t *testing.T) {
	own, home := setUp(t)
	dir := t.TempDir()
	first := filepath.Join(dir, "first")
	written(t, home, "work", "https://work.example", "theirs")
	t.Setenv("KUBECONFIG", first+string(filepath.ListSeparator)+home)
	entry, err := Add(own, "cyan", Entry{})
	if err != nil || entry != (Entry{"cyan", "work", first + string(filepath.ListSeparator) + home}) {
		t.Fatalf("got %+v, %v", entry, err)
	}
	t.Setenv("KUBECONFIG", filepath.Join(dir, "other"))
	if err := Remove(own, entry); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "other")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that it never was in: %v", err)
	}
	t.Setenv("KUBECONFIG", home)
	if c := users(t); c.CurrentContext != "work" || len(c.Contexts) != 1 || len(c.Clusters) != 1 || len(c.AuthInfos) != 1 {
		t.Errorf("afterwards: got %+v", c)
	}
	// Files that are gone, and their directory, are not made again.
	entry.Files = filepath.Join(dir, "gone", "config")
	if err := Remove(own, entry); err != nil {
		t.Errorf("files that are gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory of files that are gone: %v", err)
	}
}

func TestOthers(t *testing.T) {
	own, home := setUp(t)
	written(t, home, "cyan", "https://other.example", "theirs")
	entry, err := Add(own, "cyan", Entry{})
	if err != nil || entry != (Entry{"cyan-2", "cyan", home}) {
		t.Fatalf("got %+v, %v", entry, err)
	}
	if err := Remove(own, Entry{Context: "cyan"}); err != nil || users(t).Clusters["cyan"].Server != "https://other.example" {
		t.Errorf("another's was removed: %v", err)
	}
	// Somebody has chosen another context since, which stays current.
	c := users(t)
	c.CurrentContext = "cyan"
	if err := clientcmd.ModifyConfig(clientcmd.NewDefaultPathOptions(), *c, false); err != nil {
		t.Fatal(err)
	}
	if err := Remove(own, entry); err != nil || users(t).CurrentContext != "cyan" || len(users(t).Contexts) != 1 {
		t.Errorf("got %+v, %v", users(t), err)
	}
	// The one before is gone.
	if entry, err = Add(own, "cyan", Entry{}); err != nil {
		t.Fatal(err)
	}
	c = users(t)
	delete(c.Contexts, "cyan")
	if err := clientcmd.ModifyConfig(clientcmd.NewDefaultPathOptions(), *c, false); err != nil {
		t.Fatal(err)
	}
	if err := Remove(own, entry); err != nil || users(t).CurrentContext != "" {
		t.Errorf("the one before is gone: got %+v, %v", users(t), err)
	}
}

// TestErrors: a kubeconfig that can't be read is left as it is, and named.
func TestErrors(t *testing.T) {
	own, home := setUp(t)
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	known := Entry{Context: "cyan", Before: "work"}
	if entry, err := Add(own, "cyan", known); err == nil || entry != known || !strings.Contains(err.Error(), "your kubeconfig") {
		t.Errorf("Add: got %+v, %v", entry, err)
	}
	if err := Remove(own, known); err == nil {
		t.Error("Remove: got no error")
	}
	if text, err := os.ReadFile(home); err != nil || string(text) != "{" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := Remove(own, Entry{}); err != nil {
		t.Errorf("nothing to remove: got %v", err)
	}
	// The cluster's own kubeconfig is the user's.
	t.Setenv("KUBECONFIG", own)
	before, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	if entry, err := Add(own, "cyan", Entry{}); err != nil || entry != (Entry{}) {
		t.Errorf("its own: got %+v, %v", entry, err)
	}
	if after, err := os.ReadFile(own); err != nil || string(after) != string(before) {
		t.Errorf("its own was changed: %v", err)
	}
	broken := written(t, filepath.Join(t.TempDir(), "broken"), "a", "https://a", "a")
	if err := os.WriteFile(broken, []byte("apiVersion: v1\nkind: Config\ncurrent-context: none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Add(broken, "cyan", Entry{}); err == nil {
		t.Error("a kubeconfig without its context: got no error")
	}
}

// TestTogether: of many commands at once none loses what another has added, and none fails for the lock of a program
// that writes meanwhile.
func TestTogether(t *testing.T) {
	_, home := setUp(t)
	written(t, home, "work", "https://work.example", "theirs")
	lock := home + ".lock"
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const many = 8
	errs := make([]error, many)
	entries := make([]Entry, many)
	var all sync.WaitGroup
	for i := range many {
		text := strconv.Itoa(i)
		own := written(t, filepath.Join(dir, text), "admin", "https://127.0.0.1:1"+text, "authority "+text)
		all.Go(func() { entries[i], errs[i] = Add(own, "cyan-"+text, Entry{}) })
	}
	if err := os.Remove(lock); err != nil { // the other program is done
		t.Fatal(err)
	}
	all.Wait()
	for i, err := range errs {
		if err != nil || users(t).Clusters["cyan-"+strconv.Itoa(i)] == nil {
			t.Errorf("%d: got %v, and the contexts %v", i, err, users(t).Contexts)
		}
	}
	for i := range many {
		all.Go(func() { errs[i] = Remove(filepath.Join(dir, strconv.Itoa(i)), entries[i]) })
	}
	all.Wait()
	if left := users(t); errors.Join(errs...) != nil || len(left.Contexts) != 1 || left.Contexts["work"] == nil {
		t.Errorf("after all were removed: got %v, %v", left.Contexts, errors.Join(errs...))
	}
}
