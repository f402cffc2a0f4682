package setup

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// signatures looks whether what projects ask of signatures can be checked: the public keys are there, and the programs.
// Nothing is said where no project asks.
func (o *doctor) signatures(ctx context.Context, c client.Client, found installation) []result {
	const check = "signatures"
	published, err := o.publishedKeys(ctx, c)
	if err != nil {
		return []result{bad(check, fail, err)}
	}
	var results []result
	var all []string
	for _, object := range found.objects[v1alpha1.AppProjectKind] {
		of := &v1alpha1.AppProject{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, of) != nil || of.Namespace != o.Namespace {
			continue
		}
		ids, no := project.KeyIDs(of)
		if no != nil {
			results = append(results, result{check, fail, no.Object + ": " + no.Cause, no.Remedy})
			continue
		}
		all = append(all, ids...)
		if missing := project.Unpublished(ids, published); len(missing) > 0 {
			results = append(results, result{check, warn, fmt.Sprintf("AppProject %s: no public key of %s, so that nothing signed with it is permitted", of.Name, strings.Join(missing, ", ")),
				"add it with `cyan gpg add` or `cyan signer add`"})
		}
	}
	for _, p := range []struct {
		program, debian string
		ssh             bool
	}{{"gpg", "gnupg", false}, {"ssh-keygen", "openssh-client", true}} {
		needed := slices.ContainsFunc(all, func(id string) bool { return project.IsSSHKey(id) == p.ssh })
		if _, err := exec.LookPath(p.program); needed && err != nil {
			results = append(results, result{check, warn, "program " + p.program + ": not found on this machine, and signatures cannot be checked without it", "install " + p.debian + " where the server runs"})
		}
	}
	if len(results) == 0 && len(all) > 0 {
		results = append(results, result{Check: check, Status: ok, Message: counted(len(all), "key") + " that projects ask for"})
	}
	return results
}

// publishedKeys are the names that public keys have where they are kept.
func (o *doctor) publishedKeys(ctx context.Context, c client.Client) ([]string, error) {
	gpg, ssh := &corev1.ConfigMap{}, &corev1.ConfigMap{}
	for name, into := range map[string]*corev1.ConfigMap{settings.GPGKeysName: gpg, settings.SSHSignersName: ssh} {
		if err := c.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: name}, into); client.IgnoreNotFound(err) != nil {
			return nil, o.Explain(err, "reading ConfigMap "+name)
		}
	}
	ids := slices.Sorted(maps.Keys(gpg.Data))
	signers, _ := settings.ParseSSHSigners(ssh.Data[settings.SSHSignersKey])
	for _, s := range signers {
		ids = append(ids, s.KeyID)
	}
	return ids, nil
}
